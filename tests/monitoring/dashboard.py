"""What is in deploy/prometheus and deploy/grafana, as far as the tests look at it."""

import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "deploy/prometheus"
DASHBOARD = ROOT / "deploy/grafana/weft.json"

# Metrics that the scraper itself makes, and a target's own.
SCRAPER = {"up", "ALERTS"}
# What Grafana fills in, and something of its kind.
VARIABLES = {"$__rate_interval": "30s", "$__all": ".*", "$job": "weft", "$instance": ".*",
             "$handler": ".*"}  # fmt: skip


def load():
    return json.loads(DASHBOARD.read_text(encoding="utf-8"))


def panels(dashboard):
    """All but the rows."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def filled_in(expression):
    for variable, value in VARIABLES.items():
        expression = expression.replace(variable, value)
    return expression


def expressions(dashboard):
    """Pairs of where it stands and the expression as Prometheus gets it."""
    for panel in panels(dashboard):
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", filled_in(target["expr"])
    for annotation in dashboard["annotations"]["list"]:
        yield annotation["name"], filled_in(annotation["expr"])


def without_comments(text):
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def recorded(rules):
    """Names that the rules record."""
    return set(re.findall(r"^ +- record: (\S+)$", rules, re.M))


def alerts(rules):
    """Each alert's name and the text of its rule."""
    parts = re.split(r"^ +- alert: (\w+)$", rules, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def metrics_in(text):
    """Names of metrics of weftd or the process that the text has; recorded ones (with colons) are
    not among them, labels neither."""
    names = re.findall(r"(?<![\w:])((?:weft|process)_\w+)(?![\w:])", text)
    return {name for name in names if not name.endswith("_")}


def family(name):
    """The name in the TYPE line of a histogram's series."""
    return re.sub(r"_(bucket|count|sum)$", "", name)
