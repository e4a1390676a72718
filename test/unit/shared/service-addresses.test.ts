import { firstServiceAddresses } from '@quorate/shared/service-addresses'
import t from 'tap'

t.test('the first address of each service subnet, as kubeadm gives it to the Service kubernetes', async (t) => {
  for (const [subnet, ...wanted] of [
    ['10.96.0.0/12', '10.96.0.1'],
    ['10.96.0.0/12,fd00:10:96::/112', '10.96.0.1', 'fd00:10:96::1'],
    ['fd00:10:96::/112, 10.96.0.0/16', 'fd00:10:96::1', '10.96.0.1'],
    ['fd00:1:2:3:4:5:6:0/112', 'fd00:1:2:3:4:5:6:1'],
    ['172.16.5.128/25', '172.16.5.129'],
    [''],
    ['nonsense,10.0.0.0'],
  ] as const)
    t.same(firstServiceAddresses(subnet), wanted, subnet)
})
