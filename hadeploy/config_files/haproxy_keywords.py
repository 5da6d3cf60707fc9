"""Properties of haproxy's keywords (configuration manual, 3 and 4.1). Data."""

from __future__ import annotations

# Keywords that have an effect only in a frontend or only in a backend; all others have in both.
_FRONTEND_OPTIONS = (
    *("tcplog", "httplog", "dontlognull", "dontlog-normal", "log-separate-errors", "logasap"),
    *("clitcpka", "socket-stats", "contstats", "tcp-smart-accept", "http-ignore-probes"),
    *("http-use-proxy-header", "accept-invalid-http-request", "log-proxy"),
)
_BACKEND_OPTIONS = (
    *("httpchk", "tcp-check", "redispatch", "srvtcpka", "abortonclose", "allbackups"),
    *("log-health-checks", "persist", "tcp-smart-connect", "transparent", "prefer-last-server"),
    *("checkcache", "external-check", "ldap-check", "mysql-check", "pgsql-check", "redis-check"),
    *("smtpchk", "ssl-hello-chk", "spop-check", "accept-invalid-http-response"),
)
_FRONTEND_TIMEOUTS = ("client", "client-fin", "client-hs", "http-request", "http-keep-alive")
_BACKEND_TIMEOUTS = ("connect", "server", "server-fin", "check", "queue", "tunnel")

ONLY_FRONTEND = frozenset(
    (
        *(("option", name) for name in _FRONTEND_OPTIONS),
        *(("timeout", name) for name in _FRONTEND_TIMEOUTS),
        *(("bind",), ("default_backend",), ("use_backend",), ("maxconn",), ("backlog",)),
        *(("rate-limit",), ("error-log-format",), ("log-format",), ("log-format-sd",)),
        *(("clitcpka-cnt",), ("clitcpka-idle",), ("clitcpka-intvl",), ("monitor-uri",)),
        *(("unique-id-format",), ("unique-id-header",), ("declare",), ("monitor",)),
    )
)
ONLY_BACKEND = frozenset(
    (
        *(("option", name) for name in _BACKEND_OPTIONS),
        *(("timeout", name) for name in _BACKEND_TIMEOUTS),
        *(("server",), ("server-template",), ("default-server",), ("balance",), ("retries",)),
        *(("fullconn",), ("hash-type",), ("hash-balance-factor",), ("source",), ("persist",)),
        *(("http-check",), ("tcp-check",), ("external-check",), ("use-server",), ("retry-on",)),
        *(("load-server-state-from-file",), ("server-state-file-name",), ("dispatch",)),
        *(("max-session-srv-conns",), ("srvtcpka-cnt",), ("srvtcpka-idle",), ("stick",)),
        *(("srvtcpka-intvl",), ("cookie",), ("email-alert",), ("tcp-response",)),
        *(("force-persist",), ("ignore-persist",), ("dynamic-cookie-key",)),
    )
)

# Keywords of which only the last line has an effect.
SINGLE = frozenset(
    (
        *("mode", "balance", "maxconn", "retries", "fullconn", "hash-type", "backlog", "source"),
        *("hash-balance-factor", "default_backend", "log-tag", "log-format", "description", "id"),
        *("max-session-srv-conns", "load-server-state-from-file", "error-log-format"),
        *("unique-id-format", "monitor-uri", "retry-on", "persist", "cookie", "stick-table"),
        *("clitcpka-cnt", "clitcpka-idle", "clitcpka-intvl", "srvtcpka-cnt", "srvtcpka-idle"),
        *("srvtcpka-intvl", "guid", "nbthread", "nbproc", "hard-stop-after", "pidfile"),
    )
)
# The same, together with the second word.
SINGLE_OF_TWO = frozenset(("option", "timeout", "rate-limit"))

# Keywords that have an effect only in HTTP mode.
ONLY_HTTP = frozenset(
    (
        *(("option", name) for name in ("httplog", "forwardfor", "originalto", "httpclose")),
        *(("option", name) for name in ("http-server-close", "http-keep-alive", "forceclose")),
        *(("option", name) for name in ("http-no-delay", "http-pretend-keepalive", "nolog")),
        *(("option", name) for name in ("http-ignore-probes", "http-buffer-request", "checkcache")),
        *(("option", name) for name in ("http-use-htx", "http-use-proxy-header", "http-tunnel")),
        *(("option", f"accept-invalid-http-{name}") for name in ("request", "response")),
        *(("option", name) for name in ("prefer-last-server", "h1-case-adjust-bogus-client")),
        *(("timeout", "http-request"), ("timeout", "http-keep-alive"), ("timeout", "tarpit")),
        *(("errorfile",), ("errorfiles",), ("errorloc",), ("errorloc302",), ("errorloc303",)),
        *(("http-request",), ("http-response",), ("http-after-response",), ("http-error",)),
        *(("http-reuse",), ("http-send-name-header",), ("cookie",), ("compression",)),
        *(("capture",), ("declare",), ("monitor-uri",), ("monitor",), ("redirect",)),
        *(("stats",), ("unique-id-header",), ("dynamic-cookie-key",), ("retry-on",)),
    )
)

# Keywords that the inventory may add to a frontend, and to `defaults`.
FOR_LISTENER = frozenset(
    (
        *("acl", "tcp-request", "option", "timeout", "log-tag", "log-format", "backlog"),
        *("rate-limit", "no", "unique-id-format", "error-log-format", "description", "filter"),
        *("stick-table", "clitcpka-cnt", "clitcpka-idle", "clitcpka-intvl", "id"),
    )
)
FOR_DEFAULTS = frozenset(
    (
        *("retries", "fullconn", "hash-type", "hash-balance-factor", "source", "persist"),
        *("timeout", "option", "no", "tcp-check", "http-check", "max-session-srv-conns"),
        *("srvtcpka-cnt", "srvtcpka-idle", "srvtcpka-intvl", "log-tag", "log-format", "backlog"),
        *("rate-limit", "clitcpka-cnt", "clitcpka-idle", "clitcpka-intvl", "unique-id-format"),
        *("error-log-format",),
    )
)

# Options that contradict hadeploy's configuration, or need something that it does not have.
NOT_FOR_OURS = frozenset(
    (("option", "transparent"), ("option", "external-check"), ("option", "spop-check"))
)

# Global keywords that hadeploy's container replaces, or does not need → the reason.
REPLACED_GLOBAL = {
    "daemon": "the engine keeps haproxy running",
    "master-worker": "hadeploy's haproxy also has a master",
    "pidfile": "nothing in hadeploy's container reads it",
    "chroot": "hadeploy's container is unprivileged and has a read-only file system",
    "user": "hadeploy's container is unprivileged",
    "group": "hadeploy's container is unprivileged",
    "uid": "hadeploy's container is unprivileged",
    "gid": "hadeploy's container is unprivileged",
    "max-spread-checks": "hadeploy sets it itself",
    "server-state-file": "hadeploy sets it itself",
    "server-state-base": "hadeploy sets it itself",
    "node": "a name for statistics",
    "description": "a name for statistics",
    "quiet": "hadeploy's haproxy logs to the engine",
    "setenv": "hadeploy inserts the value in the lines that use it",
    "presetenv": "hadeploy inserts the value in the lines that use it",
    "unsetenv": "hadeploy inserts the value in the lines that use it",
    "resetenv": "hadeploy inserts the value in the lines that use it",
}
# Keywords that have an effect only with TLS.
ONLY_TLS = ("ca-base", "crt-base", "ssl-", "tune.ssl.", "key-base", "issuers-chain-path")
# Keywords that current versions of haproxy reject.
REMOVED_GLOBAL = ("nbproc", "debug", "tune.chksize")
