// Runs the tests of one browser, and ends the process: a test fails if it throws, and the run fails if the page made a request.
import { rmSync } from 'node:fs';

/** `requests` are the addresses that the page requested; `top` is the folder of the inputs. */
export async function runTests(tests, { browser, requests, top }) {
  // If no test was selected, the run would otherwise pass.
  let failed = Object.keys(tests).length === 0 ? 1 : 0;
  for (const [name, test] of Object.entries(tests)) {
    try {
      await test(browser);
      console.log(`ok   ${name}`);
    } catch (error) {
      failed++;
      console.log(`FAIL ${name}\n${error.stack}`);
    }
  }
  await browser.close();
  rmSync(top, { recursive: true });
  if (requests.length > 0) {
    failed++;
    console.log(`FAIL the page made requests:\n${requests.join('\n')}`);
  } else console.log('ok   no request left the page');
  process.exit(failed === 0 ? 0 : 1);
}
