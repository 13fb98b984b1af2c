import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { createMetrics } from '../../../relayer/shell/operating/metrics.ts'
import { disagreementCounter, validatorGauges } from '../../../relayer/validator/gauges.ts'

type Rules = { groups: { rules: { alert: string; expr: string; annotations: Annotations }[] }[] }
type Annotations = { summary: string; runbook: string }
type Dashboard = { panels: { title: string; targets: { expr: string }[] }[] }

const ops = 'relayer/ops'
const { groups } = parse(readFileSync(join(ops, 'alerts.yml'), 'utf8')) as Rules
const rules = groups.flatMap((group) => group.rules)
const boards = readdirSync(join(ops, 'dashboards')).map((file) => {
  return JSON.parse(readFileSync(join(ops, 'dashboards', file), 'utf8')) as Dashboard
})

/** Names of series in an expression of Prometheus' language. */
function seriesOf(expression: string): readonly string[] {
  const names = expression.matchAll(/\b(?:tandem|hyperlane)_[a-z_]+/g)
  return [...names].map(([name]) =>
    name.replace(/_(bucket|sum|count)$/, (end) => {
      return name.startsWith('hyperlane_') ? end : ''
    }),
  )
}

test('every series that a rule or a dashboard asks for is one that the programs have', () => {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  createMetrics(registry)
  const validators = new Registry()
  validatorGauges(validators, 'any')
  disagreementCounter(validators)
  const known = new Set(
    [registry, validators].flatMap((one) => one.getMetricsAsArray().map(({ name }) => name)),
  )
  const asked = [
    ...rules.map(({ expr }) => expr),
    ...boards
      .flatMap(({ panels }) => panels.flatMap(({ targets }) => targets))
      .map(({ expr }) => expr),
  ].flatMap(seriesOf)
  expect(asked.length).toBeGreaterThan(30)
  expect(asked.filter((name) => !known.has(name))).toEqual([])
})

test('every alert has a page that says what to look at and what to do, and no page is without one', () => {
  const pages = readdirSync('docs/runbooks').toSorted()
  expect(rules.map(({ alert }) => `${alert}.md`).toSorted()).toEqual(pages)
  for (const { alert, annotations } of rules) {
    expect(annotations.runbook).toBe(`docs/runbooks/${alert}.md`)
    const page = readFileSync(annotations.runbook, 'utf8')
    for (const part of ['## What it means', '## Look at', '## Do']) expect(page).toContain(part)
  }
})
