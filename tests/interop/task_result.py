"""What a TaskResult must keep, whoever received it and in whatever form: the fields of the public
contract, in one form for all, and the promises about its times."""

import base64

WORDS = ("state", "priority")
NUMBERS = (
    "task_id", "client_tag", "submitted_at_ns", "started_at_ns", "completed_at_ns",
    "queue_latency_ns", "execution_latency_ns", "suspended_ns", "total_latency_ns", "core",
    "attempts",
)  # fmt: skip
# 64-bit numbers are strings in JSON, the others are numbers.
SMALL_NUMBERS = ("core", "attempts")
# Every field there is, but for error: present when the task did not succeed, and only then; and for
# off_core_ns: present when the task ran far longer than usual, which the machine may cause.
ALWAYS = {"success", "output", *WORDS, *NUMBERS}
SOMETIMES = {"error", "off_core_ns"}


def snake_case(name):
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name)


def from_json(case, message):
    """Takes protobuf's JSON with either spelling of names. Returns plain values by field."""
    fields = {snake_case(name): value for name, value in message.items()}
    case.assertEqual(set(fields) - SOMETIMES, ALWAYS)
    if fields.get("off_core_ns") is None:
        fields.pop("off_core_ns", None)
    else:
        case.assertIsInstance(fields["off_core_ns"], str)
        fields["off_core_ns"] = int(fields["off_core_ns"])
    for name in NUMBERS:
        case.assertIsInstance(fields[name], int if name in SMALL_NUMBERS else str, name)
        fields[name] = int(fields[name])
    for name in WORDS:
        case.assertIsInstance(fields[name], str, name)
    case.assertIsInstance(fields["success"], bool)
    fields["output"] = base64.b64decode(fields["output"], validate=True)
    # An absent message is either left out or null.
    if fields.get("error") is None:
        fields.pop("error", None)
    return fields


def from_message(case, message):
    """Takes a TaskResult of a generated module. Returns plain values by field."""
    described = message.DESCRIPTOR.fields_by_name
    case.assertEqual(set(described) - SOMETIMES, ALWAYS)
    fields = {name: getattr(message, name) for name in ALWAYS}
    if message.HasField("off_core_ns"):
        fields["off_core_ns"] = message.off_core_ns
    for name in WORDS:
        fields[name] = described[name].enum_type.values_by_number[fields[name]].name
    if message.HasField("error"):
        codes = message.error.DESCRIPTOR.fields_by_name["code"].enum_type.values_by_number
        fields["error"] = {"code": codes[message.error.code].name,
                           "message": message.error.message}
    return fields


def check_ended(case, fields, state="TASK_STATE_SUCCEEDED"):
    """All that holds for a task that has ended."""
    case.assertEqual(fields["state"], state)
    case.assertGreater(fields["task_id"], 0)
    case.assertEqual(fields["success"], state == "TASK_STATE_SUCCEEDED")
    case.assertEqual("error" in fields, state != "TASK_STATE_SUCCEEDED")
    case.assertIn(fields["priority"], ("PRIORITY_HIGH", "PRIORITY_NORMAL", "PRIORITY_LOW"))
    submitted, completed = fields["submitted_at_ns"], fields["completed_at_ns"]
    queue, execution = fields["queue_latency_ns"], fields["execution_latency_ns"]
    case.assertGreater(submitted, 0)
    case.assertEqual(fields["total_latency_ns"], completed - submitted)
    case.assertEqual(fields["total_latency_ns"], queue + execution)
    case.assertGreaterEqual(queue, 0)
    case.assertGreaterEqual(execution, 0)
    case.assertGreaterEqual(fields["suspended_ns"], 0)
    case.assertLessEqual(fields["suspended_ns"], execution)
    case.assertGreaterEqual(fields.get("off_core_ns", 0), 0)
    case.assertLessEqual(fields.get("off_core_ns", 0), execution - fields["suspended_ns"])
    if fields["attempts"] == 0:
        case.assertEqual((fields["started_at_ns"], execution), (0, 0))
        return
    started = fields["started_at_ns"]
    case.assertEqual(fields["attempts"], 1)
    case.assertLessEqual(submitted, started)
    case.assertLessEqual(started, completed)
    case.assertEqual(queue, started - submitted)
    case.assertEqual(execution, completed - started)
