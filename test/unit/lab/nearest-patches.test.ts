import t from 'tap'
import { nearestPatches } from '../../../lab/real/machines/go-build.js'

const listed = ['v3.5.0-alpha.0', 'v3.5.16', 'v3.5.21', 'v3.5.23', 'v3.5.31', 'v3.50.24', 'v3.6.5', 'v3.7.0-rc.0']

t.test('an etcd that is not to be had is replaced by the next patch of its own line', async (t) => {
  t.same(nearestPatches('3.5.24', listed), ['3.5.23', '3.5.21', '3.5.31', '3.5.16'])
  t.same(nearestPatches('3.6.5', listed), [], 'the one asked for is not among them')
  t.same(nearestPatches('3.7.0', listed), [], 'nor is what is no release')
})
