/** What JupyterLab's packages expect of a browser and jsdom lacks. */

class Observer {
  observe(): void {
    return;
  }
  unobserve(): void {
    return;
  }
  disconnect(): void {
    return;
  }
}

const missing = {
  DragEvent: class extends MouseEvent {},
  ResizeObserver: Observer,
  matchMedia: () => ({
    matches: false,
    addEventListener: () => undefined,
    removeEventListener: () => undefined
  }),
  IS_REACT_ACT_ENVIRONMENT: true
};

Object.assign(globalThis, missing);
Object.assign(document, { queryCommandSupported: () => false });
