# Made by deploy/manual/generate.py from what --help shows; edit that instead.
# fish completion of weftd.

complete -c weftd -f
complete -c weftd -s h -l help -d 'Print this help message and exit'
complete -c weftd -l config -r -F -d 'TOML file; without it the defaults hold'
complete -c weftd -l set -x -d 'Sets one key, over the file; may be repeated'
complete -c weftd -l version -d 'Display program version information and exit'
