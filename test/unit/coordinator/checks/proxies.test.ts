import { goesStraight } from '@quorate/coordinator/conversion/checks/proxies'
import t from 'tap'

t.test('a host goes straight where NO_PROXY has it as Go reads it', async (t) => {
  for (const [host, noProxy] of [
    ['apiserver.example.com', 'apiserver.example.com'],
    ['apiserver.example.com', '10.0.0.0/8, example.com'],
    ['apiserver.example.com', '.example.com'],
    ['apiserver.example.com', '*.example.com'],
    ['apiserver.example.com', 'Apiserver.Example.com:8443'],
    ['apiserver.example.com', '*'],
    ['192.168.13.31', '192.168.13.0/24'],
    ['192.168.13.31', '192.168.13.31'],
    ['fd00::31', 'fd00::/64'],
  ] as const)
    t.ok(goesStraight(host, noProxy), `${host} by ${noProxy}`)
  for (const [host, noProxy] of [
    ['apiserver.example.com', ''],
    ['apiserver.example.com', 'example.org,192.168.13.0/24'],
    ['apiserver.example.com', '.apiserver.example.com'],
    ['otherexample.com', 'example.com'],
    ['192.168.14.31', '192.168.13.0/24'],
    ['192.168.13.31', '192.168.13.3'],
    ['192.168.13.31', '192.168.13.0/99'],
  ] as const)
    t.notOk(goesStraight(host, noProxy), `${host} by ${noProxy || '(none)'}`)
})
