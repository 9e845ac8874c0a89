"""The local web page of `exactonline connect`."""
