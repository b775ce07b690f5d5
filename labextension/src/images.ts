/** Which addresses are drawn as images: only bytes that came with the event, and only of kinds that hold no code. */
const DRAWN = /^data:image\/(png|jpeg|webp|gif);base64,[A-Za-z0-9+/]+={0,2}$/;

/** The address as an image may carry it, or `null` for any other. */
export function drawable(url: string | null | undefined): string | null {
  return typeof url === 'string' && DRAWN.test(url) ? url : null;
}
