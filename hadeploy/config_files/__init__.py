"""The configuration files of haproxy and keepalived, parsed. Pure."""
