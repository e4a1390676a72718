import { readFileSync } from 'node:fs'
import { releaseBefore, type Skew, skewOf } from '@quorate/shared/release'
import t from 'tap'

t.test('own release and the one before, never a newer one', async (t) => {
  const cases: readonly (readonly [theirs: string, ours: string, before: string | undefined, Skew])[] = [
    ['1.4.2', '1.4.2', '1.3', 'same'],
    ['1.4.1', '1.4.2', '1.3', 'another-build'],
    ['1.4.2-rc.1', '1.4.2', '1.3', 'another-build'],
    ['1.4.3', '1.4.2', '1.3', 'newer'],
    ['1.3.9', '1.4.2', '1.3', 'before'],
    ['1.2.9', '1.4.2', '1.3', 'too-old'],
    ['1.5.0', '1.4.2', '1.3', 'newer'],
    ['2.0.0', '1.4.2', '1.3', 'newer'],
    ['1.9.0', '2.0.0', '1.9', 'before'],
    ['1.8.0', '2.0.0', '1.9', 'too-old'],
    ['0.0.9', '0.1.0', undefined, 'too-old'],
    ['', '0.1.0', undefined, 'unknown'],
    ['0.1', '0.1.0', undefined, 'unknown'],
    ['0.1.0; reboot', '0.1.0', undefined, 'unknown'],
  ]
  for (const [theirs, ours, before, skew] of cases)
    t.equal(skewOf(theirs, ours, before), skew, `an agent ${theirs} with a coordinator ${ours}`)
})

t.test('the release before is older than the one in package.json', async (t) => {
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
  if (releaseBefore === undefined) t.equal(version.split('.', 2).join('.'), '0.1', 'only the first release has none')
  else t.equal(skewOf(`${releaseBefore}.0`, version), 'before')
})
