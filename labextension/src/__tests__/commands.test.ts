import { expect, it } from 'vitest';

import { CommandIDs } from '../tokens';

it('has no command that approves, refuses or changes a mode: saved outputs can run commands', () => {
  const ids = Object.values(CommandIDs).filter(id => id.startsWith('kimi'));
  expect(ids).toHaveLength(14);
  expect(
    ids.filter(id => /approve|deny|reject|answer|mode|bypass/i.test(id))
  ).toEqual([]);
});
