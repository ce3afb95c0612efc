import { freeName, nameFault, renamed, withoutSecret, withoutSource, withSecret, type Options } from './settings';

function options(fields: Partial<Options> = {}): Options {
  return {
    jsonData: { billing: [{ id: 'aws', location: 's3://a' }, { id: 'gcp' }] },
    secureJsonFields: {},
    secureJsonData: {},
    ...fields,
  } as Options;
}

it.each([
  ['', 'A name is required'],
  ['a b', 'Only letters, digits, - and _'],
  ['a.b', 'Only letters, digits, - and _'],
  ['gcp', 'Another source has this name'],
  ['aws-prod_1', undefined],
])('judges the name %p', (name, fault) => {
  expect(nameFault(name, ['gcp'])).toBe(fault);
});

it('finds a name that no source has', () => {
  expect(freeName([])).toBe('bill-1');
  expect(freeName([{ id: 'bill-2' }])).toBe('bill-3');
  expect(freeName([{ id: 'bill-2' }, { id: 'x' }])).toBe('bill-3');
});

it('sets a secret beside the others, and clears one for good', () => {
  const typed = withSecret(
    options({ secureJsonData: { 'billing.gcp.accessKeyId': 'g' } }),
    'billing.aws.accessKeyId',
    'a'
  );
  expect(typed.secureJsonData).toEqual({ 'billing.gcp.accessKeyId': 'g', 'billing.aws.accessKeyId': 'a' });
  const cleared = withoutSecret(options({ secureJsonFields: { k: true, other: true } }), 'k');
  expect(cleared.secureJsonFields).toEqual({ k: false, other: true });
  expect(cleared.secureJsonData).toEqual({ k: '' });
});

it('moves typed secrets along with a new name, and clears stored ones', () => {
  const next = renamed(
    options({
      secureJsonFields: { 'billing.aws.secretAccessKey': true },
      secureJsonData: { 'billing.aws.accessKeyId': 'typed' },
    }),
    0,
    'prod'
  );
  expect(next.jsonData.billing?.[0]).toEqual({ id: 'prod', location: 's3://a' });
  expect(next.secureJsonFields).toEqual({ 'billing.aws.secretAccessKey': false });
  expect(next.secureJsonData).toEqual({ 'billing.aws.secretAccessKey': '', 'billing.prod.accessKeyId': 'typed' });
});

it('leaves the secrets of a name that another source has too', () => {
  const twice = options({
    jsonData: { billing: [{ id: 'aws' }, { id: 'aws' }] },
    secureJsonFields: { 'billing.aws.accessKeyId': true },
  });
  expect(renamed(twice, 1, 'b').secureJsonFields).toEqual({ 'billing.aws.accessKeyId': true });
  expect(withoutSource(twice, 1).secureJsonFields).toEqual({ 'billing.aws.accessKeyId': true });
});

it('takes the secrets away with their source', () => {
  const next = withoutSource(
    options({ secureJsonFields: { 'billing.aws.accessKeyId': true, 'billing.gcp.accessKeyId': true } }),
    0
  );
  expect(next.jsonData.billing).toEqual([{ id: 'gcp' }]);
  expect(next.secureJsonFields).toEqual({ 'billing.aws.accessKeyId': false, 'billing.gcp.accessKeyId': true });
  expect(next.secureJsonData).toEqual({ 'billing.aws.accessKeyId': '' });
});
