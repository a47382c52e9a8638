// Hashes many small payloads over one stream: specs are made only as fast as answers are taken, and
// answers come in the order in which tasks end. Usage: node stream.mjs [TARGET]
import { createHash } from 'node:crypto';
import { Client } from '@weft/client';

const COUNT = 10_000;
const payload = (number) => `payload ${number}`;

function* specs() {
  for (let number = 0; number < COUNT; number += 1) {
    yield { handler: 'sha256', payload: payload(number), clientTag: number };
  }
}

const client = new Client(process.argv[2] ?? '127.0.0.1:7411');
try {
  let right = 0;
  let refused = 0;
  for await (const row of client.stream(specs(), { window: 256, timeoutMs: 60_000 })) {
    if (row.error) {
      refused += 1;
      continue;
    }
    const digest = createHash('sha256').update(payload(row.tag)).digest('hex');
    right += row.result.output.toString() === digest ? 1 : 0;
  }
  console.log(`${right} of ${COUNT} digests are right, ${refused} tasks were refused`);
} finally {
  client.close();
}
