// Writes with kafkajs to each of 4 partitions of TOPIC and leaves in FILE.<partition> what a reader
// must find: "offset:key:value" lines, at the offsets the broker acknowledged. kafkajs reads with a
// group only, so another client does the reading.
//   BOOTSTRAP, TOPIC, CODEC (none or gzip), IDEMPOTENT (true or false), RECORDS, FILE
import { appendFileSync, writeFileSync } from 'node:fs'
import kafkajs from 'kafkajs'

const { BOOTSTRAP, TOPIC, FILE } = process.env
const records = Number(process.env.RECORDS ?? 20000)
const partitions = 4
const batchRecords = 500
const compression = { none: kafkajs.CompressionTypes.None, gzip: kafkajs.CompressionTypes.GZIP }[process.env.CODEC]

const kafka = new kafkajs.Kafka({ clientId: 'kafkajs', brokers: [BOOTSTRAP], logLevel: kafkajs.logLevel.ERROR })
const admin = kafka.admin()
await admin.connect()
await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: partitions, replicationFactor: 1 }] })
await admin.disconnect()

const producer = kafka.producer({
  createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  idempotent: process.env.IDEMPOTENT === 'true',
  maxInFlightRequests: 1,
})
await producer.connect()
for (let partition = 0; partition < partitions; partition++) writeFileSync(`${FILE}.${partition}`, '')
let acknowledged = 0
for (let first = 0; first < records; first += batchRecords * partitions) {
  const messages = []
  for (let index = first; index < Math.min(first + batchRecords * partitions, records); index++) {
    messages.push({ partition: index % partitions, key: `key-${index}`, value: `value-${index} ${'0123456789abcdef'.repeat(index % 13)}` })
  }
  for (const { partition, errorCode, baseOffset } of await producer.send({ topic: TOPIC, acks: -1, compression, messages })) {
    if (errorCode !== 0) throw new Error(`partition ${partition}: error ${errorCode}`)
    const sent = messages.filter((message) => message.partition === partition)
    acknowledged += sent.length
    appendFileSync(`${FILE}.${partition}`, sent.map(({ key, value }, nth) => `${Number(baseOffset) + nth}:${key}:${value}\n`).join(''))
  }
}
await producer.disconnect()
if (acknowledged !== records) throw new Error(`${acknowledged} of ${records} records acknowledged`)
