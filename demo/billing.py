"""Invoices to be created, as a table in PostgreSQL made from what was loaded there."""

from __future__ import annotations

from demo.stack import WAREHOUSE

# ruff: noqa: S608 - all parts of the SQL are of this file

SCHEMA = "billing"


def table_of_invoices(division: int, number: int) -> str:
    """SQL that makes `billing.sales_invoices` with `number` invoices for one division.

    The lines of an invoice are JSON, as most who keep invoices in a table have them.
    """
    return f"""
        drop schema if exists {SCHEMA} cascade;
        create schema {SCHEMA};
        create table {SCHEMA}.sales_invoices as
        with customer as (
            select "ID", row_number() over (order by "Code") - 1 as position
            from {WAREHOUSE}.accounts
            where "Division" = {division} and "Status" = 'C' and "_sdc_deleted_at" is null
        ), item as (
            select "ID", row_number() over (order by "Code") as position
            from {WAREHOUSE}.items
            where "Division" = {division} and "IsSalesItem" and "_sdc_deleted_at" is null
        )
        select
            'WEB-' || lpad(number::text, 4, '0') as "YourRef",
            customer."ID" as "OrderedBy",
            (
                select jsonb_agg(jsonb_build_object(
                    'Item', item."ID", 'Quantity', 1 + (number + position) % 4, 'NetPrice', 49.95))
                from item
                where position <= 1 + number % 5
            ) as "SalesInvoiceLines"
        from generate_series(1, {number}) number
        join customer on customer.position = number % (select count(*) from customer)"""
