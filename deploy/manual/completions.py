"""Writes shell completions for bash, zsh and fish from a command-line model."""

import re
import textwrap

HEAD = "# Made by deploy/manual/generate.py from what --help shows; edit that instead.\n"
# The names of the handlers, one a line; nothing when no daemon answers.
HANDLERS = "weft handlers --json --deadline 500ms 2>/dev/null"
HANDLER_NAMES = HANDLERS + r""" | sed -n 's/.*"name": *"\([^"]*\)".*/\1/p'"""


def kind(option):
    """How the value of an option is completed: none, words, files, handlers or text."""
    if not option.takes_value:
        return "none"
    if option.choices:
        return "words"
    if option.is_handler:
        return "handlers"
    return "files" if option.is_file else "text"


def bash_action(option):
    return {
        "none": "return",
        "words": f"_weft_words '{' '.join(option.choices)}'",
        "handlers": '_weft_words "$(' + HANDLER_NAMES + ')"',
        "files": "_weft_files",
        "text": "COMPREPLY=()",
    }[kind(option)]


def bash_values(command):
    """A case for each option that takes a value: its flags, then what completes it."""
    return [
        f"{'|'.join(option.flags)}) {bash_action(option)}; return ;;"
        for option in command.flags
        if option.takes_value
    ]


def bash_command(command):
    words = [name for option in command.flags for name in option.flags]
    words += [below.name for below in command.commands]
    with_value = [name for o in command.flags if o.takes_value for name in o.flags]
    positional = [f"{i}) {bash_action(option)}; return ;;"
                  for i, option in enumerate(command.positionals)]  # fmt: skip
    lines = [f"'{' '.join(command.path)}')"]
    if bash_values(command):
        lines += ['  case "$previous" in', *("    " + v for v in bash_values(command)), "  esac"]
    if positional and not command.commands:
        lines += ["  if [[ $current != -* ]]; then",
                  f"    case $(_weft_position '{' '.join(with_value)}') in",
                  *("      " + line for line in positional), "    esac", "  fi"]  # fmt: skip
    lines += wrapped_words("  _weft_words '", words, "'"), "  ;;"
    return "\n".join("    " + line for text in lines for line in text.split("\n"))


def wrapped_words(before, words, after):
    return textwrap.fill(before + " ".join(words) + after, 90, break_long_words=False,
                         break_on_hyphens=False, subsequent_indent="    ")  # fmt: skip


BASH_FUNCTIONS = r"""
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
""".lstrip("\n")


def bash(program, root):
    commands = [root, *root.all_below()]
    paths = "|".join(f"'{' '.join(command.path)}'" for command in commands if command.path)
    walk = f"""
    case "${{path:+$path }}${{COMP_WORDS[i]}}" in
      {paths})
        path="${{path:+$path }}${{COMP_WORDS[i]}}"
        command_at=$i
        ;;
    esac""" if paths else "\n    :"  # fmt: skip
    functions = BASH_FUNCTIONS.replace("_weft_", f"_{program}_")
    cases = "\n".join(bash_command(command) for command in commands)
    return (
        f"{HEAD}# bash completion of {program}.\n\n{functions}\n"
        f"_{program}() {{\n"
        "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
        '  local path="" command_at=0 i\n'
        "  COMPREPLY=()\n"
        f"  for ((i = 1; i < COMP_CWORD; i++)); do{walk}\n  done\n"
        '  case "$path" in\n'
        + cases.replace("_weft_", f"_{program}_")
        + f"\n  esac\n}}\n\ncomplete -F _{program} {program}\n"
    )


def plain(text):
    """For a description in single quotes: no quotes, brackets or colons that a shell would see."""
    return re.sub(r"\s+", " ", text.replace("'", "’").replace("[", "(").replace("]", ")"))


def zsh_action(program, option):
    return {
        "none": "",
        "words": f"({' '.join(option.choices)})",
        "handlers": f"__{program}_handler_names",
        "files": "_files",
        "text": " ",
    }[kind(option)]


def zsh_option(program, option):
    told = plain(option.help).replace(":", "\\:")
    if option.positional:
        place = "*" if option.repeats else ("" if option.required else ":")
        return f"'{place}:{option.positional}:{zsh_action(program, option)}'"
    value = f":{option.value_name}:{zsh_action(program, option)}" if option.takes_value else ""
    often = "*" if option.repeats else ""
    if len(option.flags) > 1 and not option.repeats:
        flags = ",".join(option.flags)
        return f"'({' '.join(option.flags)})'{{{flags}}}'[{told}]{value}'"
    return " ".join(f"'{often}{flag}[{told}]{value}'" for flag in option.flags)


def zsh_function(program, command):
    name = "_".join(("", program, *command.path)).replace("-", "_")
    specs = [zsh_option(program, option) for option in command.options]
    lines = [f"{name}() {{"]
    if command.commands:
        lines += ["  local line state", "  local -a commands=("]
        for below in command.commands:
            told = plain(below.description).replace(":", "\\:")
            lines.append(f"    '{below.name}:{told}'")
        lines.append("  )")
        specs += ["'1: :->command'", "'*:: :->rest'"]
    flags = "-C" if command.commands else "-s"
    lines.append(f"  _arguments {flags} \\\n    " + " \\\n    ".join(specs))
    if command.commands:
        lines += ['  case "$state" in', "    command) _describe command commands ;;"]
        lines += [f'    rest) _call_function - {name}_"${{line[1]//-/_}}" ;;', "  esac"]
    return "\n".join([*lines, "}"])


def zsh(program, root):
    names = '${(f)"$(' + HANDLER_NAMES + ')"}'
    handlers = f"__{program}_handler_names() {{\n  compadd -- {names}\n}}\n"
    commands = [root, *root.all_below()]
    if not any(option.is_handler for command in commands for option in command.options):
        handlers = ""
    functions = "\n\n".join(zsh_function(program, command) for command in commands)
    return f'#compdef {program}\n{HEAD}\n{handlers}\n{functions}\n\n_{program} "$@"\n'


def fish_seen(command):
    if not command.path:
        return ""
    return "; and ".join(f"__fish_seen_subcommand_from {name}" for name in command.path)


def fish_option(program, condition, option):
    line = f"complete -c {program}"
    if condition:
        line += f" -n '{condition}'"
    line += "".join(f" -s {name}" for name in option.short)
    line += "".join(f" -l {name}" for name in option.long)
    how = {
        "none": "",
        "words": f" -x -a '{' '.join(option.choices)}'",
        "handlers": f" -x -a '(__{program}_handler_names)'",
        "files": " -r -F",
        "text": " -x",
    }[kind(option)]
    if option.positional:
        how = how.replace(" -x", " -f").replace(" -r -F", " -F")
        if kind(option) == "text":
            return None
    return f"{line}{how} -d '{plain(option.help)}'"


def fish(program, root):
    lines = [HEAD + f"# fish completion of {program}.\n"]
    commands = [root, *root.all_below()]
    if any(option.is_handler for command in commands for option in command.options):
        lines.append(f"function __{program}_handler_names\n    {HANDLER_NAMES}\nend\n")
    lines.append(f"complete -c {program} -f")
    for command in commands:
        condition = fish_seen(command)
        if not command.path and command.commands:
            condition = "__fish_use_subcommand"
        for below in command.commands:
            none = " ".join(other.name for other in command.commands)
            seen = fish_seen(command) + "; and " if command.path else ""
            when = f"{seen}not __fish_seen_subcommand_from {none}"
            lines.append(
                f"complete -c {program} -n '{when}' -a {below.name} -d '{plain(below.description)}'"
            )
        options = [fish_option(program, condition, option) for option in command.options]
        lines += [line for line in options if line]
    return "\n".join(lines) + "\n"
