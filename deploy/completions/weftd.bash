# Made by deploy/manual/generate.py from what --help shows; edit that instead.
# bash completion of weftd.

_weftd_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$current"); }

_weftd_files() {
  compopt -o filenames 2>/dev/null || true
  mapfile -t COMPREPLY < <(compgen -f -- "$current")
}

# How many words that are no option stand between the command and the cursor; $1 holds the options
# that take the word behind them.
_weftd_position() {
  local count=0 i
  for ((i = command_at + 1; i < COMP_CWORD; i++)); do
    if [[ " $1 " == *" ${COMP_WORDS[i]} "* ]]; then
      i=$((i + 1))
    elif [[ ${COMP_WORDS[i]} != -* ]]; then
      count=$((count + 1))
    fi
  done
  echo "$count"
}

_weftd() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local path="" command_at=0 i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "${path:+$path }${COMP_WORDS[i]}" in
      'dev')
        path="${path:+$path }${COMP_WORDS[i]}"
        command_at=$i
        ;;
    esac
  done
  case "$path" in
    '')
      case "$previous" in
        --config) _weftd_files; return ;;
        --set) COMPREPLY=(); return ;;
      esac
      _weftd_words '-h --help --config --set --check-config --print-config
        --print-default-config --version dev'
      ;;
    'dev')
      _weftd_words '-h --help'
      ;;
  esac
}

complete -F _weftd weftd
