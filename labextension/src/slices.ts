/** Runs many small jobs without holding up the page. */

type Job = () => void | Promise<void>;

/** The latest job goes first: what is at the end of the conversation is what is looked at. */
export class Slices {
  constructor(private readonly _budget = 10) {}

  add(job: Job): void {
    this._jobs.push(job);
    if (!this._isRunning) {
      this._isRunning = true;
      void this._run();
    }
  }

  private async _run(): Promise<void> {
    await Promise.resolve();
    let start = performance.now();
    for (
      let job = this._jobs.pop();
      job !== undefined;
      job = this._jobs.pop()
    ) {
      try {
        await job();
      } catch (reason) {
        console.error('Kimi could not draw a block', reason);
      }
      if (performance.now() - start > this._budget) {
        await pause();
        start = performance.now();
      }
    }
    this._isRunning = false;
  }

  private readonly _jobs: Job[] = [];
  private _isRunning = false;
}

function pause(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, 0));
}
