# Made by deploy/manual/generate.py from what --help shows; edit that instead.
# bash completion of weft.

_weft_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$current"); }

_weft_files() {
  compopt -o filenames 2>/dev/null || true
  mapfile -t COMPREPLY < <(compgen -f -- "$current")
}

# How many words that are no option stand between the command and the cursor; $1 holds the options
# that take the word behind them.
_weft_position() {
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

_weft() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local path="" command_at=0 i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "${path:+$path }${COMP_WORDS[i]}" in
      'run'|'submit'|'wait'|'get'|'cancel'|'list'|'watch'|'stats'|'handlers'|'cores'|'top'|'pause'|'resume'|'budget'|'bench'|'reload'|'doctor'|'drain'|'health'|'version')
        path="${path:+$path }${COMP_WORDS[i]}"
        command_at=$i
        ;;
    esac
  done
  case "$path" in
    '')
      _weft_words '-h --help run submit wait get cancel list watch stats handlers cores top
        pause resume budget bench reload doctor drain health version'
      ;;
    'run')
      case "$previous" in
        --file) _weft_files; return ;;
        --priority) _weft_words 'high normal low'; return ;;
        --io-priority) _weft_words 'high normal low'; return ;;
        --timeout) COMPREPLY=(); return ;;
        --core) COMPREPLY=(); return ;;
        --affinity) COMPREPLY=(); return ;;
        --label) COMPREPLY=(); return ;;
        --tag) COMPREPLY=(); return ;;
        --files-from) _weft_files; return ;;
        --window) COMPREPLY=(); return ;;
        --target) COMPREPLY=(); return ;;
        --deadline) COMPREPLY=(); return ;;
        --retries) COMPREPLY=(); return ;;
      esac
      if [[ $current != -* ]]; then
        case $(_weft_position '--file --priority --io-priority --timeout --core --affinity --label --tag --files-from --window --target --deadline --retries') in
          0) _weft_words "$(weft handlers --json --deadline 500ms 2>/dev/null | sed -n 's/.*"name": *"\([^"]*\)".*/\1/p')"; return ;;
          1) COMPREPLY=(); return ;;
        esac
      fi
      _weft_words '-h --help --file --priority --io-priority --timeout --core --affinity
        --label --tag --raw --retain --files-from --window --target --json --deadline
        --retries'
      ;;
    'submit')
      case "$previous" in
        --file) _weft_files; return ;;
        --priority) _weft_words 'high normal low'; return ;;
        --io-priority) _weft_words 'high normal low'; return ;;
        --timeout) COMPREPLY=(); return ;;
        --core) COMPREPLY=(); return ;;
        --affinity) COMPREPLY=(); return ;;
        --label) COMPREPLY=(); return ;;
        --tag) COMPREPLY=(); return ;;
        --batch) _weft_files; return ;;
        --target) COMPREPLY=(); return ;;
        --deadline) COMPREPLY=(); return ;;
        --retries) COMPREPLY=(); return ;;
      esac
      if [[ $current != -* ]]; then
        case $(_weft_position '--file --priority --io-priority --timeout --core --affinity --label --tag --batch --target --deadline --retries') in
          0) _weft_words "$(weft handlers --json --deadline 500ms 2>/dev/null | sed -n 's/.*"name": *"\([^"]*\)".*/\1/p')"; return ;;
          1) COMPREPLY=(); return ;;
        esac
      fi
      _weft_words '-h --help --file --priority --io-priority --timeout --core --affinity
        --label --tag --batch --target --json --deadline --retries'
      ;;
    'wait')
      case "$previous" in
        --wait) COMPREPLY=(); return ;;
        --target) COMPREPLY=(); return ;;
        --deadline) COMPREPLY=(); return ;;
        --retries) COMPREPLY=(); return ;;
      esac
      if [[ $current != -* ]]; then
        case $(_weft_position '--wait --target --deadline --retries') in
          0) COMPREPLY=(); return ;;
        esac
      fi
      _weft_words '-h --help --wait --target --json --deadline --retries'
      ;;
    'get')
      case "$previous" in
        --target) COMPREPLY=(); return ;;
        --deadline) COMPREPLY=(); return ;;
        --retries) COMPREPLY=(); return ;;
      esac
      if [[ $current != -* ]]; then
        case $(_weft_position '--target --deadline --retries') in
          0) COMPREPLY=(); return ;;
        esac
      fi
      _weft_words '-h --help --target --json --deadline --retries'
      ;;
    'cancel')
      case "$previous" in
        --target) COMPREPLY=(); return ;;
        --deadline) COMPREPLY=(); return ;;
        --retries) COMPREPLY=(); return ;;
      esac
      if [[ $current != -* ]]; then
        case $(_weft_position '--target --deadline --retries') in
          0) COMPREPLY=(); return ;;
        esac
      fi
      _weft_words '-h --help --target --json --deadline --retries'
      ;;
    'list')
      case "$previous" in
        --state) _weft_words 'cancelled expired failed queued running succeeded suspended'; return ;;
        --handler) _weft_words "$(weft handlers --json --deadline 500ms 2>/dev/null | sed -n 's/.*"name": *"\([^"]*\)".*/\1/p')"; return ;;
        --core) COMPREPLY=(); return ;;
        --label) COMPREPLY=(); return ;;
        --limit) COMPREPLY=(); return ;;
        --target) COMPREPLY=(); return ;;
        --deadline) COMPREPLY=(); return ;;
        --retries) COMPREPLY=(); return ;;
      esac
      _weft_words '-h --help --state --handler --core --label --limit --target --json
        --deadline --retries'
      ;;
    'watch')
      case "$previous" in
        --state) _weft_words 'cancelled expired failed queued running succeeded suspended'; return ;;
        --handler) _weft_words "$(weft handlers --json --deadline 500ms 2>/dev/null | sed -n 's/.*"name": *"\([^"]*\)".*/\1/p')"; return ;;
        --core) COMPREPLY=(); return ;;
        --label) COMPREPLY=(); return ;;
        --limit) COMPREPLY=(); return ;;
        --target) COMPREPLY=(); return ;;
        --deadline) COMPREPLY=(); return ;;
        --retries) COMPREPLY=(); return ;;
      esac
      _weft_words '-h --help --state --handler --core --label --limit --target --json
        --deadline --retries'
      ;;
    'stats')
      case "$previous" in
        --target) COMPREPLY=(); return ;;
        --deadline) COMPREPLY=(); return ;;
        --retries) COMPREPLY=(); return ;;
      esac
      _weft_words '-h --help --target --json --deadline --retries'
      ;;
    'handlers')
      case "$previous" in
        --target) COMPREPLY=(); return ;;
        --deadline) COMPREPLY=(); return ;;
        --retries) COMPREPLY=(); return ;;
      esac
      _weft_words '-h --help --target --json --deadline --retries'
      ;;
    'cores')
      case "$previous" in
        --target) COMPREPLY=(); return ;;
        --deadline) COMPREPLY=(); return ;;
        --retries) COMPREPLY=(); return ;;
      esac
      _weft_words '-h --help --target --json --deadline --retries'
      ;;
    'top')
      case "$previous" in
        --interval) COMPREPLY=(); return ;;
        --target) COMPREPLY=(); return ;;
        --deadline) COMPREPLY=(); return ;;
        --retries) COMPREPLY=(); return ;;
      esac
      _weft_words '-h --help --interval --once --target --json --deadline --retries'
      ;;
    'pause')
      case "$previous" in
        --target) COMPREPLY=(); return ;;
        --deadline) COMPREPLY=(); return ;;
        --retries) COMPREPLY=(); return ;;
      esac
      if [[ $current != -* ]]; then
        case $(_weft_position '--target --deadline --retries') in
          0) _weft_words "$(weft handlers --json --deadline 500ms 2>/dev/null | sed -n 's/.*"name": *"\([^"]*\)".*/\1/p')"; return ;;
        esac
      fi
      _weft_words '-h --help --target --json --deadline --retries'
      ;;
    'resume')
      case "$previous" in
        --target) COMPREPLY=(); return ;;
        --deadline) COMPREPLY=(); return ;;
        --retries) COMPREPLY=(); return ;;
      esac
      if [[ $current != -* ]]; then
        case $(_weft_position '--target --deadline --retries') in
          0) _weft_words "$(weft handlers --json --deadline 500ms 2>/dev/null | sed -n 's/.*"name": *"\([^"]*\)".*/\1/p')"; return ;;
        esac
      fi
      _weft_words '-h --help --target --json --deadline --retries'
      ;;
    'budget')
      case "$previous" in
        --polls) COMPREPLY=(); return ;;
        --microseconds) COMPREPLY=(); return ;;
        --core) COMPREPLY=(); return ;;
        --target) COMPREPLY=(); return ;;
        --deadline) COMPREPLY=(); return ;;
        --retries) COMPREPLY=(); return ;;
      esac
      _weft_words '-h --help --polls --microseconds --core --target --json --deadline
        --retries'
      ;;
    'bench')
      case "$previous" in
        --mode) _weft_words 'unary stream columns submit coalesced'; return ;;
        --handler) _weft_words "$(weft handlers --json --deadline 500ms 2>/dev/null | sed -n 's/.*"name": *"\([^"]*\)".*/\1/p')"; return ;;
        --payload) COMPREPLY=(); return ;;
        --file) _weft_files; return ;;
        --priority) _weft_words 'high normal low'; return ;;
        --io-priority) _weft_words 'high normal low'; return ;;
        --timeout) COMPREPLY=(); return ;;
        --core) COMPREPLY=(); return ;;
        --affinity) COMPREPLY=(); return ;;
        --label) COMPREPLY=(); return ;;
        --outstanding) COMPREPLY=(); return ;;
        --batch) COMPREPLY=(); return ;;
        --pause) COMPREPLY=(); return ;;
        --duration) COMPREPLY=(); return ;;
        --grace) COMPREPLY=(); return ;;
        --connections) COMPREPLY=(); return ;;
        --threads) COMPREPLY=(); return ;;
        --ids-out) _weft_files; return ;;
        --target) COMPREPLY=(); return ;;
        --deadline) COMPREPLY=(); return ;;
        --retries) COMPREPLY=(); return ;;
      esac
      _weft_words '-h --help --mode --handler --payload --file --priority --io-priority
        --timeout --core --affinity --label --outstanding --batch --pause --duration --grace
        --connections --threads --ids-out --target --json --deadline --retries'
      ;;
    'reload')
      case "$previous" in
        --target) COMPREPLY=(); return ;;
        --deadline) COMPREPLY=(); return ;;
        --retries) COMPREPLY=(); return ;;
      esac
      _weft_words '-h --help --target --json --deadline --retries'
      ;;
    'doctor')
      case "$previous" in
        --target) COMPREPLY=(); return ;;
        --web) COMPREPLY=(); return ;;
      esac
      _weft_words '-h --help --target --json --web'
      ;;
    'drain')
      case "$previous" in
        --target) COMPREPLY=(); return ;;
        --deadline) COMPREPLY=(); return ;;
        --retries) COMPREPLY=(); return ;;
      esac
      _weft_words '-h --help --target --json --deadline --retries'
      ;;
    'health')
      case "$previous" in
        --target) COMPREPLY=(); return ;;
        --deadline) COMPREPLY=(); return ;;
        --retries) COMPREPLY=(); return ;;
      esac
      _weft_words '-h --help --target --json --deadline --retries'
      ;;
    'version')
      case "$previous" in
        --target) COMPREPLY=(); return ;;
        --deadline) COMPREPLY=(); return ;;
        --retries) COMPREPLY=(); return ;;
      esac
      _weft_words '-h --help --target --json --deadline --retries'
      ;;
  esac
}

complete -F _weft weft
