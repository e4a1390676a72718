import { DenyList } from '@quorate/agent/host/deny-list'
import { LinuxHost } from '@quorate/agent/host/linux-host'

// A process of its own, to be killed: keeps the lists that come on standard input, one JSON string a line, and says the number of each that it has kept.

const [root = '', ca = ''] = process.argv.slice(2).map((arg) => Buffer.from(arg, 'base64').toString())
const list = await DenyList.open({
  host: new LinuxHost(root),
  stateFolder: '/state',
  ca: () => ca,
  log: { warn: () => {} },
})
process.stdout.write('ready\n')
let rest = ''
for await (const chunk of process.stdin) {
  const lines = `${rest}${chunk}`.split('\n')
  rest = lines.pop() ?? ''
  for (const line of lines) {
    await list.keep(JSON.parse(line) as string)
    process.stdout.write(`${list.number}\n`)
  }
}
