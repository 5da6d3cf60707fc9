"""Parsers of the configuration files of haproxy and keepalived. Pure."""
