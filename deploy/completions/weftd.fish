# Made by deploy/manual/generate.py from what --help shows; edit that instead.
# fish completion of weftd.

complete -c weftd -f
complete -c weftd -n 'not __fish_seen_subcommand_from dev' -a dev -d 'Serves for trying it out: free ports, temporary files, no file read'
complete -c weftd -n '__fish_use_subcommand' -s h -l help -d 'Print this help message and exit'
complete -c weftd -n '__fish_use_subcommand' -l config -r -F -d 'TOML file; without it the defaults hold'
complete -c weftd -n '__fish_use_subcommand' -l set -x -d 'Sets one key, over the file and WEFT_* variables; may be repeated'
complete -c weftd -n '__fish_use_subcommand' -l check-config -d 'Tells every mistake of the configuration and exits: 0 when there is none, else 78; warns of what this machine would not grant'
complete -c weftd -n '__fish_use_subcommand' -l print-config -d 'Prints every value that holds and where it comes from, and exits'
complete -c weftd -n '__fish_use_subcommand' -l print-default-config -d 'Prints a file with every key, its help and its default, and exits'
complete -c weftd -n '__fish_use_subcommand' -l version -d 'Display program version information and exit'
complete -c weftd -n '__fish_seen_subcommand_from dev' -s h -l help -d 'Print this help message and exit'
