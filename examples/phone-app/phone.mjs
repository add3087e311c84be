// A phone as a fleet of Muster sees it, in one file: enrols over HTTPS, connects over WebSocket,
// says hello, reports its battery, answers commands and shows updates. A browser or React Native app does the same
// with localStorage in place of the state file.
//
//   node phone.mjs --server http://127.0.0.1:8080 --token TOKEN --device-id phone-1 [--seconds 60]
//
// With --accept-updates it plays the person too: what it is notified of is installed at once.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import mqtt from 'mqtt'

const { values: options } = parseArgs({
  options: {
    server: { type: 'string', default: 'http://127.0.0.1:8080' },
    token: { type: 'string' },
    'device-id': { type: 'string' },
    profile: { type: 'string', default: 'phone' },
    state: { type: 'string', default: 'phone-state.json' },
    seconds: { type: 'string', default: '0' },
    'accept-updates': { type: 'boolean', default: false },
  },
})

// --- What survives a restart: the identity, the last session number, what was already done --------
const state = existsSync(options.state)
  ? JSON.parse(readFileSync(options.state, 'utf8'))
  : { installId: randomUUID(), session: 0, done: {} }
state.version ??= '1.0.0'
state.notices ??= {}
const save = () => writeFileSync(options.state, JSON.stringify(state), { mode: 0o600 })

async function enrol() {
  const answer = await fetch(`${options.server}/api/v1/device/enrol`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      token: options.token,
      device_id: options['device-id'],
      install_id: state.installId,
    }),
  })
  const body = await answer.json()
  if (!answer.ok) throw new Error(body.detail ?? `enrolment was answered ${answer.status}`)
  state.deviceId = body.device_id
  state.secret = body.secret
  state.brokers = body.broker.map((broker) => broker.url)
  save()
}
if (!state.secret) {
  await enrol().catch((error) => {
    console.error(`phone: ${error.cause?.message ?? error.message}`)
    process.exit(1)
  })
}

// --- One connection is one session: numbered, greater than the last -------------------------------
const topic = (channel) => `muster/1/${state.deviceId}/up/${channel}`
const boot = randomUUID()
const sequences = {}
const numbered = (channel) => ({ boot, seq: (sequences[channel] = (sequences[channel] ?? 0) + 1) })

const nextSession = () => {
  state.session = Math.max(state.session + 1, Date.now())
  save()
  return state.session
}
const presence = (online, reason) => JSON.stringify({ session: state.session, online, reason })

nextSession()
const client = mqtt.connect(state.brokers.find((url) => url.startsWith('ws')), {
  protocolVersion: 4,
  clientId: state.deviceId,
  username: state.deviceId,
  password: state.secret,
  clean: false,
  keepalive: 60,
  will: { topic: topic('presence'), payload: presence(false, 'lost'), qos: 1, retain: true },
})

const publish = (channel, message, retain = false) =>
  client.publish(topic(channel), JSON.stringify(message), { qos: 1, retain })

const inventory = () => [{ component: 'app', version: state.version }]

client.on('connect', () => {
  client.subscribe(`muster/1/${state.deviceId}/down/#`, { qos: 1 })
  publish('hello', {
    ...numbered('hello'),
    session: state.session,
    install_id: state.installId,
    agent: { name: 'phone-app', version: '1.0.0' },
    profile: options.profile,
    inventory: inventory(),
    capabilities: ['notify', 'vibrate'],
    running: Object.keys(state.notices),
    ts: Date.now(),
  })
  client.publish(topic('presence'), presence(true, 'connected'), { qos: 1, retain: true })
  console.log(`connected as ${state.deviceId}`)
})

// A new connection is a new session, and its will must name it.
client.on('reconnect', () => {
  nextSession()
  client.options.will.payload = Buffer.from(presence(false, 'lost'))
})
client.on('error', (error) => console.error(`broker: ${error.message}`))

// --- Commands: an execution id is done once; a repeated one is answered with what was said ---------
const reportOn = (channel) => (execution, claim) => {
  publish(channel, { ...numbered(channel), execution, ts: Date.now(), ...claim })
}
const report = reportOn('commands')
client.on('message', (name, payload) => {
  if (!name.endsWith('/down/commands')) return
  const command = JSON.parse(payload.toString())
  if (command.action !== 'run') return
  const known = state.done[command.execution]
  if (known) return report(command.execution, known)
  report(command.execution, { state: 'DELIVERED' })
  const result =
    command.name === 'vibrate'
      ? { state: 'SUCCEEDED', result: { vibrated_ms: command.args?.ms ?? 200 } }
      : {
          state: 'REJECTED',
          error: { code: 'unknown_command', message: `this app does not know ${command.name}` },
        }
  state.done[command.execution] = result
  save()
  report(command.execution, result)
  console.log(`${command.name}: ${result.state}`)
})

// --- Updates: the app is told, the person acts, the inventory proves it ---------------------------
const reportUpdate = reportOn('updates')
const finish = (execution, claim) => {
  delete state.notices[execution]
  state.done[execution] = claim
  save()
  reportUpdate(execution, claim)
}
const canceled = { state: 'CANCELED', message: 'canceled before it was installed' }

client.on('message', (name, payload) => {
  if (!name.endsWith('/down/updates')) return
  const update = JSON.parse(payload.toString())
  const known = state.done[update.execution]
  if (known) return reportUpdate(update.execution, known)
  if (update.action === 'cancel') return finish(update.execution, canceled)
  if (update.mode !== 'notify') {
    const message = 'a phone is updated by its store'
    return finish(update.execution, { state: 'REJECTED', error: { code: 'unsupported', message } })
  }
  state.notices[update.execution] = update.release
  save()
  reportUpdate(update.execution, { state: 'IN_PROGRESS', step: 'NOTIFIED' })
  // A real app shows this and hands `data` to itself; opening `url` leads to the store.
  const { title = '', body = '', url = '' } = update.notification ?? {}
  const data = JSON.stringify(update.data ?? {})
  console.log(`update ${update.release.version}: ${title} | ${body} | ${url} | ${data}`)
  reportUpdate(update.execution, { state: 'IN_PROGRESS', step: 'WAIT_FOR_CONFIRMATION' })
  if (options['accept-updates']) installed(update.release)
})

// The store has put a new version in place: say what is installed, then close the notices of it.
function installed(release) {
  const app = (release.components ?? []).find((part) => part.component === 'app')
  state.version = app?.version ?? release.version
  save()
  publish('inventory', { ...numbered('inventory'), inventory: inventory(), ts: Date.now() })
  for (const [execution, open] of Object.entries(state.notices)) {
    if (open.id === release.id) finish(execution, { state: 'SUCCEEDED' })
  }
}

const timer = setInterval(() => {
  if (!client.connected) return
  publish('telemetry', {
    ...numbered('telemetry'),
    points: [{ ts: Date.now(), values: { battery: 0.5 + 0.4 * Math.sin(Date.now() / 6e5) } }],
  })
}, 2000)

const leave = () => {
  clearInterval(timer)
  client.publish(topic('presence'), presence(false, 'disconnected'), { qos: 1, retain: true }, () =>
    client.end(false, {}, () => process.exit(0)),
  )
}
process.on('SIGINT', leave)
process.on('SIGTERM', leave)
if (Number(options.seconds) > 0) setTimeout(leave, Number(options.seconds) * 1000)
