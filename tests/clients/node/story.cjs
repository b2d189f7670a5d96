// The Straddle contract, told with the official Node SDK as it is published. Run by ../test_node_sdk.py, which hands over
// the facts on standard input; says what it has seen, and ends with a failure at the first thing that is not so.
'use strict';

const assert = require('node:assert/strict');
const { randomUUID } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { Straddle } = require('@straddlecom/straddle');
const { Webhook } = require('standardwebhooks');

const facts = JSON.parse(readFileSync(0, 'utf8'));
const options = { baseURL: facts.baseUrl, maxRetries: 0 };
const client = new Straddle({ ...options, apiKey: facts.token });
const clear = new Straddle({ ...options, apiKey: facts.unmaskToken });
const reader = new Straddle({ ...options, apiKey: facts.readToken });
const stranger = new Straddle({ ...options, apiKey: facts.strangerToken });
const crowd = new Straddle({ ...options, apiKey: facts.crowdToken });

const people = facts.people;
const somebody = (changes = {}) => ({
  ...people.pop(),
  type: 'individual',
  device: { ip_address: '203.0.113.9' },
  config: { sandbox_outcome: 'verified' },
  ...changes,
});

// Times are shown finer than they sort and bound a list.
const millisecond = (time) => Math.floor(Date.parse(time));

async function refused(kind, call) {
  try {
    await call();
  } catch (error) {
    assert.ok(error instanceof kind, `${error} is no ${kind.name}`);
    return error;
  }
  return assert.fail(`nothing was refused with ${kind.name}`);
}

async function everyRow(query) {
  const rows = [];
  for await (const row of crowd.customers.list(query)) rows.push(row);
  return rows;
}

const steps = {
  async 'create, read, and a duplicate e-mail address'() {
    const sent = somebody({ metadata: { plan: 'pro' }, external_id: 'node-1', compliance_profile: facts.profile });
    const { data: made, meta, response_type } = await client.customers.create(sent);
    assert.equal(response_type, 'object');
    assert.ok(meta.api_request_id && meta.api_request_timestamp);
    assert.deepEqual([made.name, made.email, made.phone, made.status], [sent.name, sent.email, sent.phone, 'verified']);
    assert.deepEqual(made.compliance_profile, { ssn: '***-**-****', dob: '****-**-**' });
    assert.deepEqual((await client.customers.get(made.id)).data, made);
    const error = await refused(Straddle.UnprocessableEntityError, () => client.customers.create(somebody({ email: sent.email })));
    assert.equal(error.error.error.type, '/validation_error');
    assert.match(error.error.error.detail, /unique/);
  },

  async 'update'() {
    const { data: made } = await client.customers.create(somebody({ external_id: 'before' }));
    const { name } = people.pop();
    const { data: changed } = await client.customers.update(made.id, {
      name, email: made.email, phone: made.phone, device: { ip_address: '203.0.113.9' }, status: made.status, external_id: 'after',
    });
    assert.deepEqual([changed.id, changed.name, changed.external_id], [made.id, name, 'after']);
  },

  async 'review, decision, refresh'() {
    const { data: made } = await client.customers.create(somebody({ config: { sandbox_outcome: 'review' } }));
    const { data: review } = await client.customers.review.get(made.id);
    assert.equal(review.identity_details.decision, 'review');
    assert.equal(review.customer_details.id, made.id);
    const { data: decided } = await client.customers.review.decision(made.id, { status: 'verified' });
    assert.equal(decided.status, 'verified');
    await refused(Straddle.UnprocessableEntityError, () => client.customers.review.decision(made.id, { status: 'rejected' }));
    const { response } = await client.customers.review.refreshReview(made.id).withResponse();
    assert.equal(response.status, 202);
    const deadline = Date.now() + 30_000;
    for (;;) {
      const { data } = await client.customers.review.get(made.id);
      if (data.identity_details.review_id !== review.identity_details.review_id) break;
      assert.ok(Date.now() < deadline, 'the refreshed review did not come');
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  },

  async 'unmasked with and without the scope'() {
    const { data: made } = await client.customers.create(somebody({ compliance_profile: facts.profile }));
    const { data: shown } = await clear.customers.unmasked(made.id);
    assert.deepEqual(shown.compliance_profile, facts.profile);
    await refused(Straddle.PermissionDeniedError, () => client.customers.unmasked(made.id));
  },

  async 'delete'() {
    const sent = somebody();
    const { data: made } = await client.customers.create(sent);
    assert.equal((await client.customers.delete(made.id)).data.id, made.id);
    await refused(Straddle.NotFoundError, () => client.customers.get(made.id));
    assert.notEqual((await client.customers.create(sent)).data.id, made.id);
  },

  async 'an idempotent retry'() {
    const sent = { ...somebody(), 'Idempotency-Key': randomUUID() };
    const first = await client.customers.create(sent).withResponse();
    const again = await client.customers.create(sent).withResponse();
    assert.deepEqual(again.data, first.data);
    assert.equal(again.response.status, 201);
    assert.equal(again.response.headers.get('idempotent-replayed'), 'true');
    const other = { ...somebody(), 'Idempotency-Key': sent['Idempotency-Key'] };
    const retrying = new Straddle({ ...options, apiKey: facts.token, maxRetries: 2 });
    const begun = Date.now();
    await refused(Straddle.ConflictError, () => retrying.customers.create(other));
    assert.ok(Date.now() - begun < 5_000, 'a mismatch is not retried');
  },

  async 'error classes'() {
    const { data: made } = await client.customers.create(somebody());
    const wrong = await refused(Straddle.UnprocessableEntityError, () => client.customers.create(somebody({ phone: '12' })));
    assert.deepEqual(wrong.error.error.items.map((item) => item.reference), ['phone']);
    await refused(Straddle.BadRequestError, () => client.customers.create({ ...somebody(), 'Idempotency-Key': 'short' }));
    await refused(Straddle.AuthenticationError, () => new Straddle({ ...options, apiKey: 'sk_nobody' }).customers.get(made.id));
    await refused(Straddle.PermissionDeniedError, () => reader.customers.create(somebody()));
    await refused(Straddle.NotFoundError, () => client.customers.get(randomUUID()));
    await refused(Straddle.NotFoundError, () => stranger.customers.get(made.id));
  },

  async 'paging over the crowd'() {
    const rows = await everyRow({ page_size: 60 });
    assert.equal(rows.length, facts.crowd.length);
    assert.equal(new Set(rows.map((row) => row.id)).size, rows.length);
    const names = rows.map((row) => row.name);
    assert.deepEqual(names, [...names].sort());
    const page = await crowd.customers.list({ page_number: 3, page_size: 100 });
    assert.deepEqual([page.data.length, page.meta.total_items, page.meta.total_pages], [rows.length - 200, rows.length, 3]);
  },

  async 'every sort'() {
    for (const sort_by of ['name', 'created_at']) {
      for (const sort_order of ['asc', 'desc']) {
        const comparable = (row) => (sort_by === 'name' ? row.name : millisecond(row.created_at));
        const shown = (await everyRow({ sort_by, sort_order })).map(comparable);
        const sorted = sort_by === 'name' ? [...shown].sort() : [...shown].sort((one, other) => one - other);
        assert.deepEqual(shown, sort_order === 'asc' ? sorted : sorted.reverse(), `${sort_by} ${sort_order}`);
      }
    }
  },

  async 'every filter'() {
    const one = facts.crowd[77];
    const bound = facts.crowd[40].created_at;
    const is = (...values) => (value) => values.includes(value);
    const cases = [
      [{ status: ['review', 'rejected'] }, (member) => is('review', 'rejected')(member.status)],
      [{ types: ['business'] }, (member) => member.type === 'business'],
      [{ name: 'Blixc' }, (member) => member.name.includes('Blixc')],
      [{ external_id: one.external_id }, (member) => member === one],
      [{ email: one.email }, (member) => member === one],
      [{ search_text: one.phone }, (member) => member === one],
      [{ created_from: bound }, (member) => millisecond(member.created_at) >= millisecond(bound)],
      [{ created_to: bound }, (member) => millisecond(member.created_at) <= millisecond(bound)],
    ];
    for (const [query, matches] of cases) {
      const found = (await everyRow(query)).map((row) => row.id).sort();
      assert.deepEqual(found, facts.crowd.filter(matches).map((member) => member.id).sort(), JSON.stringify(Object.keys(query)));
    }
  },

  async 'a webhook is unwrapped'() {
    const { body, headers, secret } = facts.delivery;
    const event = new Webhook(secret).verify(body, headers);
    assert.equal(event.event_type, 'customer.event.v1');
    assert.ok(event.data.id && event.event_id && event.account_id);
    assert.throws(() => new Webhook(secret).verify(body.replace('customer.event', 'customer.other'), headers));
  },
};

(async () => {
  for (const [name, step] of Object.entries(steps)) {
    await step();
    console.log(`ok ${name}`);
  }
})().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
