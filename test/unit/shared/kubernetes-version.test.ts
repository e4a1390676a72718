import { compareVersions, parseVersion } from '@quorate/shared/kubernetes-version'
import fc from 'fast-check'
import t from 'tap'

t.test('every way that programs print a version', async (t) => {
  for (const text of ['v1.37.2', '1.37.2', ' v1.37.2\n', 'v1.37.2-rc.1', 'v1.37.2+k3s1', 'v1.37.2-rc.1+abc']) {
    t.strictSame(parseVersion(text), { major: 1, minor: 37, patch: 2 }, text)
  }
  t.strictSame(parseVersion('1.31'), { major: 1, minor: 31, patch: 0 })
  for (const text of ['', 'v1', '1.2.3.4', 'Kubernetes v1.37.2', '1.x', '-1.2.3', '1.2.3 4', '99999.1']) {
    t.throws(() => parseVersion(text), { code: 'INVALID_REQUEST' }, text)
  }
})

t.test('numbers, not letters', async (t) => {
  t.ok(compareVersions('v1.9.11', 'v1.10.0') < 0)
  t.ok(compareVersions('v1.30.10', 'v1.30.4') > 0)
  t.equal(compareVersions('v1.30.4', '1.30.4'), 0)
  const version = fc.tuple(fc.nat(3), fc.nat(40), fc.nat(20)).map((parts) => parts.join('.'))
  fc.assert(
    fc.property(version, version, (a, b) => Math.sign(compareVersions(a, b)) === -Math.sign(compareVersions(b, a))),
  )
})
