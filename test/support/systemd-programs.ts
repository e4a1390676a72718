import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * systemd in miniature: transient units run at once, their state and journal are files. Reads QUORATE_HOST_ROOT as the agent's programs
 * get it.
 */
const programs: Record<string, string> = {
  'systemd-run': `
units="$QUORATE_HOST_ROOT/units"; mkdir -p "$units"
while [ "$1" != -- ]; do
  case "$1" in
    --unit=*) unit="\${1#--unit=}" ;;
    --property=StandardOutput=null) quiet=yes ;;
    --pipe) piped=yes ;;
  esac
  shift
done
shift
[ -z "$piped" ] || exec "$@"
[ -e "$units/$unit.exit" ] && { echo "Unit $unit was already loaded" >&2; exit 1; }
echo "$@" >> "$QUORATE_HOST_ROOT/ran"
if [ -n "$quiet" ]; then "$@" > /dev/null 2> "$units/$unit.log"; else "$@" > "$units/$unit.log" 2>&1; fi
echo $? > "$units/$unit.exit"
`,
  systemctl: `
units="$QUORATE_HOST_ROOT/units"
case "$1" in
  show)
    if [ ! -e "$units/$2.exit" ]; then echo LoadState=not-found; exit 0; fi
    code=$(cat "$units/$2.exit")
    echo LoadState=loaded
    echo "ExecMainStartTimestamp=Tue 2026-03-03 10:11:12 UTC"
    echo "ExecMainStatus=$code"
    if [ "$code" = running ]; then printf 'ActiveState=activating\\nSubState=start\\nResult=success\\n'; exit 0; fi
    if [ "$code" = 0 ]; then printf 'ActiveState=active\\nSubState=exited\\nResult=success\\n'
    else printf 'ActiveState=failed\\nSubState=failed\\nResult=exit-code\\n'; fi ;;
  stop|reset-failed) rm -f "$units/$2.exit"; mv -f "$units/$2.log" "$QUORATE_HOST_ROOT/last-journal" 2> /dev/null; exit 0 ;;
esac
`,
  journalctl: `cat "$QUORATE_HOST_ROOT/units/\${1#--unit=}.log"\n`,
}

/** Puts the programs (and those given, as shell text) before all others in this process's PATH. */
export function installPrograms(folder: string, more: Record<string, string>): void {
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of Object.entries({ ...programs, ...more })) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}`)
    chmodSync(join(folder, name), 0o755)
  }
  process.env['PATH'] = `${folder}:${process.env['PATH']}`
}
