"""Reports: balances, open items, results and returns, calculated from transaction lines alone.

Nothing here reads what the generator or the rules of business keep about balances: what a report
says, it says because the ledger does.
"""
