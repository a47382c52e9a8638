"""Writes a manual page in roff from a command-line model."""

import re
import textwrap

from cli_model import shared_options


def escaped(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.M)


def paragraph(text):
    return "\n".join(escaped(line) for line in textwrap.wrap(" ".join(text.split()), 90))


def example(text):
    text = textwrap.dedent(text.strip("\n"))
    return f".PP\n.nf\n.RS 4\n{escaped(text)}\n.RE\n.fi"


def sentence(text):
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else text + "."


def option_entry(option):
    if option.positional:
        name = rf"\fI{escaped(option.positional)}\fR"
    else:
        name = ", ".join(rf"\fB{escaped(flag)}\fR" for flag in option.flags)
        if option.takes_value:
            name += rf" \fI{escaped(option.value_name)}\fR"
    help_text = sentence(option.help)
    if option.range:
        help_text += f" From {option.range.replace(' - ', ' to ')}."
    if option.default and "default" not in option.help:
        help_text += f" Default: {option.default}."
    if option.repeats and "repeated" not in option.help:
        help_text += " May be repeated."
    return f".TP\n{name}\n{paragraph(help_text)}"


def synopsis(program, command):
    words = [rf"\fB{escaped(' '.join((program, *command.path)))}\fR"]
    if command.needs_command:
        words.append(r"\fICOMMAND\fR")
    for option in command.positionals:
        name = rf"\fI{escaped(option.positional)}\fR"
        if option.repeats:
            name += " ..."
        words.append(name if option.required else f"[{name}]")
    if command.flags:
        words.append(r"[\fIoptions\fR]")
    return " ".join(words)


def command_section(program, command, shared):
    out = [rf".SS {' '.join((program, *command.path))}", synopsis(program, command), ".PP",
           paragraph(sentence(command.description))]  # fmt: skip
    own = [option for option in command.options if option not in shared]
    out += [option_entry(option) for option in own]
    also = [option for option in command.flags if option in shared]
    if also:
        names = ", ".join(rf"\fB{escaped(option.flags[-1])}\fR" for option in also)
        out += [".PP", f"Common options: {names}."]
    if command.examples:
        out.append(example(command.examples))
    return "\n".join(out)


def exit_codes(text):
    coded = re.findall(r"^ *(\d+) {2,}(.+)$", text, flags=re.M)
    if not coded:
        return paragraph(text)
    return "\n".join(f".TP\n\\fB{code}\\fR\n{paragraph(sentence(told))}" for code, told in coded)


def footer_sections(blocks):
    for heading, text in blocks:
        if heading.lower() in ("exit codes", "exit status"):
            yield "EXIT STATUS", exit_codes(text)
        elif text.startswith((" ", "\n  ")):
            yield heading.upper(), example(text)
        else:
            yield heading.upper(), paragraph(text)


def page(root, text):
    """text: what the model does not hold; program, section, manual, about, and further sections,
    a list of (title, body), with a body in roff."""
    program = text["program"]
    shared = shared_options(root)
    summary = root.description.removeprefix(f"{program}: ").rstrip(".")
    summary = summary[:1].lower() + summary[1:]
    sections = [
        ("NAME", f"{program} \\- {escaped(summary)}"),
        ("SYNOPSIS", synopsis(program, root) + "".join(
            f"\n.br\n{synopsis(program, command)}" for command in root.commands
            if len(root.commands) < SHORT_LIST)),
        ("DESCRIPTION", text["about"]),
        ("OPTIONS", "\n".join(option_entry(option) for option in root.options)),
    ]  # fmt: skip
    if root.commands:
        commands = [command_section(program, command, shared) for command in root.all_below()]
        sections.append(("COMMANDS", "\n".join(commands)))
    if shared:
        sections.append(("COMMON OPTIONS", "\n".join(option_entry(option) for option in shared)))
    if root.examples:
        sections.append(("EXAMPLES", example(root.examples)))
    sections += footer_sections(root.blocks)
    sections += text["sections"]
    head = (
        '.\\" Made by deploy/manual/generate.py from what --help shows; edit that instead.\n'
        f'.TH {program.upper()} {text["section"]} "" weft "{text["manual"]}"\n'
        ".nh\n.ad l"
    )
    return "\n".join([head, *(f".SH {title}\n{body}" for title, body in sections)]) + "\n"


# So many commands are listed in the synopsis itself.
SHORT_LIST = 5
