// Submits many tasks at once, a wrong one among them, and fetches the results later. Usage:
// node batch.mjs [TARGET]
import { Client, WeftError } from '@weft/client';

const client = new Client(process.argv[2] ?? '127.0.0.1:7411');
try {
  const specs = ['one', 'two', 'three'].map(
    (payload) => ({ handler: 'crc32c', payload, labels: { batch: 'example' } }));
  specs.push({ handler: 'crc32', payload: 'no such handler' });

  const answers = await client.submitMany(specs);
  for (const [number, answer] of answers.entries()) {
    if (answer instanceof WeftError) {
      console.log(`refused: ${answer.description}`);
      continue;
    }
    const result = await client.wait(answer.taskId);
    console.log(`${specs[number].payload}: ${result.output}`);
  }

  // The same tasks, found by their label.
  let kept = 0;
  for await (const task of client.list({ labels: { batch: 'example' } })) {
    kept += task.result.success ? 1 : 0;
  }
  console.log(`${kept} tasks have the label`);
} finally {
  client.close();
}
