"""What a program takes, as its hidden flag --cli-model tells it (cli_model/model_flag.h)."""

import dataclasses
import json
import re
import subprocess

# An option that so many commands share is described once in a manual page.
SHARED_BY = 4


@dataclasses.dataclass(frozen=True)
class Option:
    long: tuple
    short: tuple
    positional: str
    takes_value: bool
    repeats: bool
    required: bool
    type: str
    default: str
    help: str

    @property
    def flags(self):
        return [f"-{name}" for name in self.short] + [f"--{name}" for name in self.long]

    @property
    def choices(self):
        braces = re.search(r"\{([^{}]*)\}", self.type)
        return braces.group(1).split(",") if braces else []

    @property
    def value_name(self):
        """What stands for the value: TEXT, without the checks that CLI11 adds to it."""
        if self.choices:
            return "|".join(self.choices)
        name = re.split(r"[:{\[ ]", self.type)[0] or "VALUE"
        return {"INT": "NUMBER", "UINT": "NUMBER", "FLOAT": "NUMBER"}.get(name, name)

    @property
    def is_file(self):
        return self.value_name in ("FILE", "PATH", "DIR", "FOLDER")

    @property
    def is_handler(self):
        return self.positional == "handler" or "handler" in self.long

    @property
    def range(self):
        return " ".join(re.findall(r" in \[(.+?)\]", self.type))


@dataclasses.dataclass(frozen=True)
class Command:
    path: tuple  # The names after the program's.
    description: str
    options: tuple
    commands: tuple
    needs_command: bool
    examples: str
    blocks: tuple  # Of the footer: (heading, text).

    @property
    def name(self):
        return self.path[-1] if self.path else ""

    @property
    def positionals(self):
        return [option for option in self.options if option.positional]

    @property
    def flags(self):
        return [option for option in self.options if not option.positional]

    def all_below(self):
        for command in self.commands:
            yield command
            yield from command.all_below()


def _examples(text):
    """The lines below "Examples:" at the top of a help text."""
    if not text.startswith("Examples:\n"):
        return ""
    lines = []
    for line in text.splitlines()[1:]:
        if not line.startswith("  "):
            break
        lines.append(line[2:])
    return "\n".join(lines)


def _blocks(footer):
    for block in re.split(r"\n\s*\n", footer.strip("\n")):
        heading, colon, text = block.partition(":")
        if colon and re.fullmatch(r"[A-Z][A-Za-z ]*", heading):
            yield heading, text.strip("\n")
        elif block.strip():
            yield "Notes", block


def _command(data, path):
    return Command(
        path=path,
        description=data["description"],
        options=tuple(
            Option(**{**option, "long": tuple(option["long"]), "short": tuple(option["short"])})
            for option in data["options"]
        ),
        commands=tuple(_command(below, (*path, below["name"])) for below in data["commands"]),
        needs_command=data["needs_command"],
        examples=_examples(data["help"]),
        blocks=tuple(_blocks(data["footer"])),
    )


def read(program):
    """The model of the program at this path."""
    ran = subprocess.run([program, "--cli-model"], check=True, capture_output=True, text=True)
    return _command(json.loads(ran.stdout), ())


def shared_options(root):
    """The options that many commands take with the same meaning, in the order of the first."""
    count = {}
    for command in root.all_below():
        for option in command.flags:
            count[option] = count.get(option, 0) + 1
    return [option for option, times in count.items() if times >= SHARED_BY]
