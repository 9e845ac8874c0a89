{{ exact_online.aged('receivable') }}
