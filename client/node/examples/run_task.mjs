// Runs one task and says what came out and where the time went; then one that fails, one that is
// refused, and one that is given up. Usage: node run_task.mjs [TARGET]
import { Client, WeftError } from '@weft/client';

const client = new Client(process.argv[2] ?? '127.0.0.1:7411');
try {
  let result = await client.run(
    { handler: 'sha256', payload: 'hello', priority: 'PRIORITY_HIGH' }, { timeoutMs: 5000 });
  console.log(result.output.toString());
  console.log(`task ${result.taskId} on core ${result.core}: ${result.queueLatencyNs} ns queued, ` +
    `${result.executionLatencyNs} ns executed`);

  // A task that fails is a result.
  result = await client.run({ handler: 'fail', payload: 'error on purpose' });
  console.log(`${result.state}: ${result.error.message}`);

  // What the daemon refuses is an error.
  try {
    await client.run({ handler: 'sha25', payload: 'hello' });
  } catch (error) {
    if (!(error instanceof WeftError)) throw error;
    for (const violation of error.fieldViolations) {
      console.log(`${error.reason}: ${violation.description}`);
    }
  }

  // A signal cancels the call, and so the task.
  try {
    await client.run({ handler: 'sleep', payload: '60s' }, { signal: AbortSignal.timeout(50) });
  } catch (error) {
    console.log(`given up: ${error.name}`);
  }
} finally {
  client.close();
}
