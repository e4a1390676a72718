import { readOsRelease } from '@quorate/shared/os-release'
import t from 'tap'

t.test('what distributions write', async (t) => {
  t.same(
    readOsRelease(
      'NAME="Rocky Linux"\nID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="8.10"\nPRETTY_NAME="Rocky Linux 8.10"\n',
    ),
    { id: 'rocky', like: ['rhel', 'centos', 'fedora'], version: '8.10', name: 'Rocky Linux 8.10' },
  )
  t.match(readOsRelease("ID='debian'\r\nVERSION_ID=12\r\n#ID=x\r\n"), { id: 'debian', version: '12' })
  t.match(
    readOsRelease('ID=a\nID=b\nPRETTY_NAME="My \\"own\\" \\$x"\n'),
    { id: 'b', name: 'My "own" $x' },
    'the last counts',
  )
})

t.test('what is no such file says nothing', async (t) => {
  const nothing = { id: '', like: [], version: '', name: '' }
  for (const text of ['', 'ID', '\0\ufffd', '- ID=x', '<html>']) t.same(readOsRelease(text), nothing, text)
})
