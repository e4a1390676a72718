import { KnownAnswer, readHttpAnswer } from '@quorate/agent/host/http-answer'
import fc from 'fast-check'
import t from 'tap'

const read = (text: string) => readHttpAnswer(Buffer.from(text))

const whole: Record<string, { text: string; status: number; keepsOpen: boolean }> = {
  'with a length': { text: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', status: 200, keepsOpen: true },
  'in chunks': {
    text: 'HTTP/1.1 500 Internal Server Error\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    status: 500,
    keepsOpen: true,
  },
  'the last one': {
    text: 'HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
    status: 429,
    keepsOpen: false,
  },
}

t.test('an answer is complete with its last byte and not before, however it comes', async (t) => {
  for (const [name, { text, status, keepsOpen }] of Object.entries(whole)) {
    t.same(read(text), { status, complete: true, keepsOpen, isEnding: false }, name)
    for (let cut = 0; cut < text.length; cut++) {
      const part = read(text.slice(0, cut))
      if (part?.complete === true) t.fail(`${name}: complete after ${cut} of ${text.length} bytes`)
    }
  }
})

t.test('without a length nothing more is waited for, and what is no HTTP has no status', async (t) => {
  t.same(read('HTTP/1.1 200 OK\r\n\r\nok'), { status: 200, complete: true, keepsOpen: false, isEnding: false })
  t.match(read('SSH-2.0-OpenSSH_9.2\r\n'), { status: 0, complete: true, keepsOpen: false })
  t.equal(read('HT'), undefined)
})

t.test('no bytes make it throw', async () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void readHttpAnswer(Buffer.from(bytes))))
})

const answer = ({ status = '200 OK', id = 'a', length = 2, body = 'ok' }) =>
  `HTTP/1.1 ${status}\r\nAudit-Id: ${id}\r\nDate: Thu, 26 Nov 2026 01:00:0${id}\r\nContent-Length: ${length}\r\n\r\n${body}`

t.test(
  'an answer is known by the one before it, whatever stands before its length; anything else is read',
  async (t) => {
    const bytes = Buffer.from(answer({}))
    const known = new KnownAnswer({ status: 200, complete: true, keepsOpen: true, isEnding: false }, bytes)
    const isLike = (text: string) => known.isLike(Buffer.from(text.padEnd(8_192, '\0')), text.length)
    t.ok(isLike(answer({})))
    t.ok(isLike(answer({ id: 'b' })))
    for (const [name, other] of Object.entries({
      'another status': answer({ status: '500 OK' }),
      'another body': answer({ body: 'no' }),
      'more to come': answer({ length: 3 }),
      'a header more': answer({ id: 'b\r\nConnection: close' }),
      'a part of it': answer({}).slice(0, -1),
      nothing: '',
    }))
      t.notOk(isLike(other), name)
  },
)

t.test('an API server whose only failed check is shutdown is shutting down', async (t) => {
  const ready = (...lines: string[]): string => {
    const body = `${lines.join('\n')}\nreadyz check failed\n`
    return `HTTP/1.1 500 Internal Server Error\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  }
  t.match(read(ready('[+]ping ok', '[-]shutdown failed: reason withheld')), { status: 500, isEnding: true })
  t.match(read(ready('[-]etcd failed: reason withheld', '[-]shutdown failed: reason withheld')), { isEnding: false })
  t.match(read(ready('[-]etcd failed: reason withheld')), { isEnding: false })
})
