"""The local web page of `exactonline ui`: what the store knows, and what can be done about it."""
