/** runtime.md#kill */
import { within } from '../host.ts'
import { type Case, expect, expectSame } from '../suite.ts'

export const KILL: readonly Case[] = [
  {
    id: 'kill-sends-signal',
    clause: 'runtime.md#kill',
    asks: 'kill MUST send the specified signal to the container process: by name, short name and number',
    covers: ['runtime-kill-04'],
    test(subject) {
      const bundle = subject.bundle(
        'trap "echo usr1 >>/got" USR1; trap "echo usr2 >>/got" USR2; trap "echo hup >>/got" HUP; echo up >/got; while :; do sleep 0.02; done',
      )
      subject.run(bundle)
      const got = (text: string) => within(() => bundle.read('got') === text)
      expect(got('up\n'), 'the program did not come up')
      const sent: [string, string][] = [
        ['SIGUSR1', 'usr1'],
        ['USR2', 'usr2'],
        ['1', 'hup'],
      ]
      let text = 'up\n'
      for (const [signal, word] of sent) {
        subject.must('kill', bundle.id, signal)
        text += `${word}\n`
        expect(got(text), `after kill ${signal} the program has seen ${JSON.stringify(bundle.read('got'))}`)
      }
      subject.must('kill', bundle.id, 'KILL')
      subject.await(bundle.id, 'stopped')
    },
  },
  {
    id: 'kill-created',
    clause: 'runtime.md#kill',
    asks: 'a created container can be sent a signal',
    covers: ['runtime-kill-04'],
    test(subject) {
      const bundle = subject.bundle('echo run >/out')
      subject.create(bundle)
      subject.must('kill', bundle.id, 'KILL')
      subject.await(bundle.id, 'stopped')
      expectSame(bundle.read('out'), '', 'output')
    },
  },
  {
    id: 'kill-stopped',
    clause: 'runtime.md#kill',
    asks: 'kill of a container neither created nor running MUST have no effect and MUST generate an error',
    covers: ['runtime-kill-02', 'runtime-kill-03'],
    test(subject) {
      const bundle = subject.bundle('true')
      subject.run(bundle)
      const before = subject.await(bundle.id, 'stopped')
      subject.mustFail(['kill', bundle.id, 'TERM'], 'it is stopped')
      expectSame(subject.state(bundle.id), before, 'state')
    },
  },
  {
    id: 'kill-unknown',
    clause: 'runtime.md#kill',
    asks: 'kill MUST generate an error without the id of a container',
    covers: ['runtime-kill-01'],
    test(subject) {
      subject.mustFail(['kill', 'conf-unknown', 'TERM'], 'there is no such container')
      subject.mustFail(['kill'], 'there was no id')
    },
  },
  {
    id: 'kill-unknown-signal',
    clause: 'runtime.md#kill',
    asks: 'what is no signal is sent to nobody',
    covers: ['config-valid-01'],
    deviations: {
      crun: {
        versions: '<1.9',
        why: 'takes a name that is none for signal 0, which is sent to nobody, and reports success',
      },
    },
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      subject.run(bundle)
      subject.mustFail(['kill', bundle.id, 'SIGNOSUCH'], 'there is no such signal')
      expectSame(subject.state(bundle.id).status, 'running', 'status')
    },
  },
]
