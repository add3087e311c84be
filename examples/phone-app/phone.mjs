// A phone as a fleet of Muster sees it, in one file: enrols over HTTPS, connects over WebSocket,
// says hello, reports its battery and answers commands. A browser or React Native app does the same
// with localStorage in place of the state file.
//
//   node phone.mjs --server http://127.0.0.1:8080 --token TOKEN --device-id phone-1 [--seconds 60]
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
  },
})

// --- What survives a restart: the identity, the last session number, what was already done --------
const state = existsSync(options.state)
  ? JSON.parse(readFileSync(options.state, 'utf8'))
  : { installId: randomUUID(), session: 0, done: {} }
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

client.on('connect', () => {
  client.subscribe(`muster/1/${state.deviceId}/down/#`, { qos: 1 })
  publish('hello', {
    ...numbered('hello'),
    session: state.session,
    install_id: state.installId,
    agent: { name: 'phone-app', version: '1.0.0' },
    profile: options.profile,
    inventory: [{ component: 'app', version: '1.0.0' }],
    capabilities: ['vibrate'],
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
const report = (execution, claim) => {
  publish('commands', { ...numbered('commands'), execution, ts: Date.now(), ...claim })
}
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
