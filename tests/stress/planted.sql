-- a line is dropped
delete from exact.transaction_lines where "ID" in (select "ID" from exact.transaction_lines
where "_sdc_deleted_at" is null and "AmountDC" > 1 and "Type" = 30 order by "ID" limit 1);

-- the sign of a line is turned
update exact.transaction_lines set "AmountDC" = -"AmountDC", "AmountFC" = -"AmountFC" where "ID"
in (select "ID" from exact.transaction_lines where "_sdc_deleted_at" is null and "AmountDC" > 1
and "Type" = 30 order by "ID" limit 1);

-- a cent
update exact.transaction_lines set "AmountDC" = "AmountDC" + 0.01 where "ID" in (select "ID"
from exact.transaction_lines where "_sdc_deleted_at" is null and "AmountDC" > 1 and "Type" = 20
order by "ID" limit 1);

-- a cent in another currency
update exact.transaction_lines set "AmountFC" = "AmountFC" + 0.01 where "ID" in (select "ID"
from exact.transaction_lines where "ExchangeRate" <> 1 limit 1);

-- a line twice
insert into exact.transaction_lines select * from exact.transaction_lines where "ID" in (select
"ID" from exact.transaction_lines where "_sdc_deleted_at" is null and "AmountDC" > 1 and "Type"
= 40 order by "ID" limit 1);

-- an entry twice
insert into exact.transaction_lines select * replace (uuid() as "ID",
cast('00000000-0000-0000-0000-000000000001' as uuid) as "EntryID") from exact.transaction_lines
where "EntryID" in (select "EntryID" from exact.transaction_lines where "_sdc_deleted_at" is
null and "Type" = 90 order by "EntryID" limit 1);

-- a sales entry is missing
delete from exact.transaction_lines where "EntryID" in (select "EntryID" from
exact.transaction_lines where "_sdc_deleted_at" is null and "Type" = 20 order by "EntryID" limit
1);

-- a purchase entry is missing
delete from exact.transaction_lines where "EntryID" in (select "EntryID" from
exact.transaction_lines where "_sdc_deleted_at" is null and "Type" = 30 order by "EntryID" limit
1);

-- a journal entry is missing
delete from exact.transaction_lines where "EntryID" in (select "EntryID" from
exact.transaction_lines where "_sdc_deleted_at" is null and "Type" = 90 order by "EntryID" limit
1);

-- a revaluation is missing
delete from exact.transaction_lines where "EntryID" in (select "EntryID" from
exact.transaction_lines where "_sdc_deleted_at" is null and "Type" = 80 order by "EntryID" limit
1);

-- a bank statement is missing
delete from exact.transaction_lines where "EntryID" in (select "EntryID" from
exact.transaction_lines where "_sdc_deleted_at" is null and "Type" = 40 order by "EntryID" limit
1);

-- costs on another account
update exact.transaction_lines set "GLAccount" = (select "ID" from exact.gl_accounts as others
where others."Type" = 121 and others."Division" = transaction_lines."Division" limit 1) where
"ID" in (select "ID" from exact.transaction_lines as lines where lines."Type" = 30 and
lines."GLAccount" in (select "ID" from exact.gl_accounts where "Type" in (111, 120)) limit 1);

-- an entry in another period
update exact.transaction_lines set "FinancialPeriod" = "FinancialPeriod" % 12 + 1 where
"EntryID" in (select "EntryID" from exact.transaction_lines where "_sdc_deleted_at" is null and
"Type" = 30 order by "EntryID" limit 1);

-- a tombstone is read as a row
update exact.transaction_lines set "_sdc_deleted_at" = null where "_sdc_deleted_at" is not null;

-- budgets are read as costs
update exact.transaction_lines set "Type" = 3000 where "EntryID" in (select "EntryID" from
exact.transaction_lines where "_sdc_deleted_at" is null and "Type" = 90 order by "EntryID" limit
1);

-- an account turned from result to balance
update exact.gl_accounts set "BalanceType" = 'B' where "ID" in (select "GLAccount" from
exact.transaction_lines where "Type" = 20 and "GLAccount" in (select "ID" from exact.gl_accounts
where "Type" = 110) limit 1);

-- an account is missing
delete from exact.gl_accounts where "ID" in (select "GLAccount" from exact.transaction_lines
limit 1);

-- an open item has another amount
update exact.payment_terms set "AmountDC" = "AmountDC" + 1 where "ID" in (select "ID" from
exact.payment_terms where not "IsFullyPaid" and "LineType" = 20 order by "ID" limit 1);

-- an open item is missing
delete from exact.payment_terms where "ID" in (select "ID" from exact.payment_terms where not
"IsFullyPaid" and "LineType" = 20 order by "ID" limit 1);

-- a payment is not seen
update exact.payment_terms set "IsFullyPaid" = false, "EndYear" = null, "EndPeriod" = null,
"LastPaymentDate" = null where "ID" in (select "ID" from exact.payment_terms where "IsFullyPaid"
order by "ID" limit 1);

-- an item is closed in another period
update exact.payment_terms set "EndPeriod" = "EndPeriod" - 1 where "ID" in (select "ID" from
exact.payment_terms where "IsFullyPaid" and "EndPeriod" > 2 and "TransactionReportingPeriod" <
"EndPeriod" - 1 and "EndYear" = (select max("EndYear") - 1 from exact.payment_terms) limit 1);

-- a line of an invoice is missing
delete from exact.sales_invoice_lines where "ID" in (select lines."ID" from
exact.sales_invoice_lines as lines where lines."AmountFC" <> 0 and lines."InvoiceID" in (select
"InvoiceID" from exact.sales_invoices where "Status" = 50 and "Type" = 8020 order by "InvoiceID"
limit 1) limit 1);

-- an invoice is twice as much
update exact.sales_invoices set "AmountFC" = "AmountFC" * 2 where "InvoiceID" in (select
"InvoiceID" from exact.sales_invoices where "Status" = 50 and "Type" = 8020 order by "InvoiceID"
limit 1);

-- a credit note is positive
update exact.sales_invoices set "AmountFC" = abs("AmountFC") where "Type" = 8021;

-- a bill has another amount
update exact.purchase_entries set "AmountDC" = "AmountDC" + 1 where "EntryID" in (select
"EntryID" from exact.purchase_entries order by "EntryID" limit 1);

-- a line of a statement is missing
delete from exact.bank_entry_lines where "ID" in (select "ID" from exact.bank_entry_lines order
by "ID" limit 1);

-- a customer is missing
delete from exact.accounts where "ID" in (select "InvoiceTo" from exact.sales_invoices where
"InvoiceTo" is not null limit 1);

-- a report of Exact says something else
update exact.reporting_balance set "Amount" = "Amount" + 0.01 where "ID" = 7;

-- VAT of a sale is booked as costs
update exact.transaction_lines set "GLAccount" = (select "ID" from exact.gl_accounts as others
where others."Type" = 121 and others."Division" = transaction_lines."Division" limit 1) where
"ID" in (select "ID" from exact.transaction_lines where "_sdc_deleted_at" is null and "Type" = 20
and "GLAccount" in (select "ID" from exact.gl_accounts where "Type" = 24) order by "ID" limit 1);

-- VAT of a purchase is booked as costs
update exact.transaction_lines set "GLAccount" = (select "ID" from exact.gl_accounts as others
where others."Type" = 121 and others."Division" = transaction_lines."Division" limit 1) where
"ID" in (select cast(min(cast("ID" as varchar)) as uuid) from exact.transaction_lines where "_sdc_deleted_at" is
null and "Type" = 30 and "GLAccount" in (select "ID" from exact.gl_accounts where "Type" = 24) group
by "EntryID" having count(*) = 1 order by 1 limit 1);

-- half the result of a year is carried to equity
update exact.transaction_lines set "AmountDC" = "AmountDC" / 2, "AmountFC" = "AmountFC" / 2 where
"Type" = 326;

-- an open item is on an account of the other side
update exact.payment_terms set "GLAccount" = (select "ID" from exact.gl_accounts as others where
others."Type" = 22 and others."Division" = payment_terms."Division" limit 1) where "ID" in (select
"ID" from exact.payment_terms where not "IsFullyPaid" and "LineType" = 20 order by "ID" limit 1);

-- more is open of an invoice than it has
update exact.payment_terms set "AmountFC" = "AmountFC" * 10 where "ID" in (select "ID" from
exact.payment_terms where not "IsFullyPaid" and "LineType" = 20 and "InvoiceNumber" in (select
"InvoiceNumber" from exact.sales_invoices) order by "ID" limit 1);

-- more is received than the invoice has
update exact.bank_entry_lines set "AmountFC" = "AmountFC" * 10 where "ID" in (select lines."ID" from
exact.bank_entry_lines as lines inner join exact.transaction_lines as paid on lines."OffsetID" =
paid."ID" where paid."Type" = 20 order by lines."ID" limit 1);
