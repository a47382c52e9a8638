"""What the manual pages say beyond the command line's own help."""

WEFT = {
    "program": "weft",
    "section": 1,
    "manual": "User Commands",
    "about": r"""\fBweft\fR runs tasks on a \fBweftd\fR(8), asks what became of them, and looks
at the daemon. A task names a handler and carries bytes; its result says what came out and, to the
nanosecond, where the time went.
.PP
Results go to standard output, errors to standard error in one line that names the code, the reason
and, where there is one, the wrong field.""",
    "sections": [
        ("ENVIRONMENT", r""".TP
\fBWEFT_TARGET\fR
The daemon to speak to when \fB\-\-target\fR is not given:
.IR host:port " or " unix:/path .
.TP
\fBNO_COLOR\fR
When set, what is written to a terminal has no colour."""),
        ("SEE ALSO", ".BR weftd (8),\n.BR weftd.toml (5)"),
    ],
}  # fmt: skip

WEFTD = {
    "program": "weftd",
    "section": 8,
    "manual": "System Administration",
    "about": r"""\fBweftd\fR pins one worker thread to each CPU it is given, takes tasks over gRPC,
runs each on one core by priority, and answers with a result that says what came out and where the
time went. It needs no configuration. A task is admitted at once or refused at once; every bound has
a name, and a refusal names the bound that is reached.
.PP
It listens on loopback, and on a unix socket that only its owner can open, or its group where the
group may enter the socket's folder. An address beyond loopback is refused unless
\fBsecurity.insecure\fR is set, because gRPC of Debian 12 can be exhausted by anyone who can open a
connection.""",
    "sections": [
        ("SIGNALS", r""".TP
\fBSIGTERM\fR, \fBSIGINT\fR
Drain: not ready, new tasks are refused, held ones are finished within
\fBdaemon.drain_limit_s\fR, exit 0. A second signal ends at once.
.TP
\fBSIGHUP\fR
Read the configuration again; see
.BR weftd.toml (5)."""),
        ("FILES", r""".TP
.I /etc/weft/weftd.toml
The configuration of the service and of the container image; see
.BR weftd.toml (5).
.TP
.I /run/weft/weftd.sock
The unix socket, when \fBrpc.unix_socket\fR is \(dqauto\(dq; another folder where
\fBRUNTIME_DIRECTORY\fR or \fBXDG_RUNTIME_DIR\fR is set."""),
        ("SEE ALSO", ".BR weft (1),\n.BR weftd.toml (5),\n.BR systemctl (1)"),
    ],
}  # fmt: skip
