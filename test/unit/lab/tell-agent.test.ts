import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { tellAgent } from '../../../lab/simulated/tell-agent.js'

t.test('an agent that reads while its file is replaced sees the file before, whole', async (t) => {
  const folder = t.testdir()
  const way = 'tcp 10.96.0.1:443 127.7.1.1:4711'
  tellAgent(folder, 'cp1', 'services', [way])
  const reading = openSync(join(folder, 'cp1.services'), 'r')
  tellAgent(folder, 'cp1', 'services', ['another'])
  t.equal(readFileSync(reading, 'utf8'), way)
  closeSync(reading)
  t.equal(readFileSync(join(folder, 'cp1.services'), 'utf8'), 'another')
})
