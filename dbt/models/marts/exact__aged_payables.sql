{{ exact_online.aged('payable') }}
