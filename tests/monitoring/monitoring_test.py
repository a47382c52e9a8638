#!/usr/bin/python3
"""Proves that the rules and the dashboard of deploy/ are well formed, that each alert is tested,
that they name nothing a live weftd does not show, and that each panel has something to show when
Prometheus scrapes one. Arguments: --list, or the cases to run (Monitoring.NAME)."""

import itertools
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import dashboard
import live

sys.path.insert(0, str(dashboard.ROOT / "tests/interop"))

import cases  # noqa: E402

UNITS = {"s", "bytes", "ops", "short", "percentunit", "none"}


def promtool(*arguments):
    if shutil.which("promtool") is None:
        raise unittest.SkipTest("there is no promtool; deploy/install-deps.sh installs it")
    return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True,
                          check=False)  # fmt: skip


class Monitoring(unittest.TestCase):
    def setUp(self):
        self.rules = (dashboard.PROMETHEUS / "rules.yml").read_text(encoding="utf-8")
        self.board = dashboard.load()

    def passes(self, ran):
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)

    def test_promtool_finds_nothing_in_configuration_and_rules(self):
        self.passes(promtool("check", "config", dashboard.PROMETHEUS / "prometheus.yml"))
        self.passes(promtool("check", "rules", dashboard.PROMETHEUS / "rules.yml"))

    def test_the_rules_pass_their_tests(self):
        self.passes(promtool("test", "rules", dashboard.PROMETHEUS / "rules_test.yml"))

    def test_each_alert_is_seen_firing_and_quiet(self):
        tests = (dashboard.PROMETHEUS / "rules_test.yml").read_text(encoding="utf-8")
        for alert in dashboard.alerts(self.rules):
            with self.subTest(alert):
                parts = tests.split(f"- name: {alert}\n")
                self.assertEqual(len(parts), 2, "has no test, or several")
                test = parts[1].split("- name: ")[0]
                self.assertIn(f'alertname="{alert}"', test)
                # One daemon fires and the other does not, in one answer.
                self.assertIn('instance="good"', test)
                self.assertEqual(re.findall(r"- labels: '(.*)'", test), ['{instance="bad"}'])

    def test_each_alert_says_how_bad_it_is_and_what_to_do(self):
        for alert, text in dashboard.alerts(self.rules).items():
            with self.subTest(alert):
                self.assertRegex(text, r"severity: (critical|warning|info)\b")
                self.assertRegex(text, r"summary: .")
                self.assertGreater(len(text.split("description:")[1].split()), 15)

    def test_each_expression_of_the_dashboard_can_be_parsed(self):
        lines = ["groups:", "- name: dashboard", "  rules:"]
        for number, (_, expression) in enumerate(dashboard.expressions(self.board)):
            lines += [f"  - record: panel:{number}", f"    expr: '{expression}'"]
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            self.passes(promtool("check", "rules", file.name))

    def test_every_metric_named_is_on_the_page_of_a_live_daemon(self):
        daemon = live.Daemon()
        self.addCleanup(daemon.stop)
        shown = set(re.findall(r"^# TYPE (\S+) ", daemon.page(), re.M))
        named = dashboard.metrics_in(dashboard.without_comments(self.rules))
        for _, expression in dashboard.expressions(self.board):
            named |= dashboard.metrics_in(expression)
        self.assertGreater(len(named), 30)
        self.assertEqual({name for name in named if dashboard.family(name) not in shown}, set())

    def test_every_recorded_name_is_well_formed_and_every_used_one_recorded(self):
        used = re.findall(r"(?<=[\s(])[a-z_]+:[a-z_]+:[a-z_0-9]+", self.rules)
        for name in dashboard.recorded(self.rules):
            self.assertRegex(name, r"^[a-z_]+:weft_[a-z_]+:[a-z0-9_]+$")
        self.assertLessEqual(set(used), dashboard.recorded(self.rules))

    def test_each_panel_has_data_from_a_live_daemon(self):
        if shutil.which("prometheus") is None:
            raise unittest.SkipTest("there is no prometheus; deploy/install-deps.sh installs it")
        daemon = live.Daemon()
        self.addCleanup(daemon.stop)
        prometheus = live.Prometheus(daemon.web)
        self.addCleanup(prometheus.stop)
        prometheus.await_value("weft_build_info")
        daemon.run_tasks()
        prometheus.await_value("sum(rate(weft_dispatch_refused_total[30s])) > 0")
        prometheus.await_value("instance_bound:weft_fill:ratio")
        for where, expression in dashboard.expressions(self.board):
            with self.subTest(where):
                # The daemon has started once, and that was before the first scrape.
                if where != "Starts":
                    prometheus.await_value(expression)
        for group in prometheus.ask("rules")["groups"]:
            for rule in group["rules"]:
                with self.subTest(rule["name"]):
                    self.assertEqual(rule["health"], "ok", rule.get("lastError"))
                    if rule["type"] == "recording":
                        prometheus.await_value(rule["name"])
        self.assertEqual(prometheus.value('ALERTS{severity="critical"}'), [])

    def test_each_panel_tells_what_it_shows(self):
        panels = dashboard.panels(self.board)
        titles = [panel["title"] for panel in panels]
        self.assertEqual(len(titles), len(set(titles)))
        for panel in panels:
            with self.subTest(panel["title"]):
                self.assertGreater(len(panel["description"]), 5)
                self.assertIn(panel["fieldConfig"]["defaults"]["unit"], UNITS)
                for target in panel["targets"]:
                    self.assertTrue(target["legendFormat"])
                    self.assertIn('job="$job",instance=~"$instance"', target["expr"])
                    self.assertNotRegex(target["expr"], r"\[\d")

    def test_no_two_panels_lie_upon_each_other(self):
        every = self.board["panels"]
        self.assertEqual(len({panel["id"] for panel in every}), len(every))
        for one, other in itertools.combinations([panel["gridPos"] for panel in every], 2):
            apart = (one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
                     or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"])
            self.assertTrue(apart, (one, other))
        for panel in every:
            self.assertLessEqual(panel["gridPos"]["x"] + panel["gridPos"]["w"], 24)

    def test_the_dashboard_asks_for_its_data_source(self):
        names = [variable["name"] for variable in self.board["templating"]["list"]]
        self.assertEqual(names, ["datasource", "job", "instance", "handler"])
        for panel in dashboard.panels(self.board):
            self.assertEqual(panel["datasource"]["uid"], "${datasource}")
        self.assertNotIn("__inputs", self.board)


if __name__ == "__main__":
    cases.main()
