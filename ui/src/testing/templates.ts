/** A stand-in for Grafana's template service: same spellings, same format functions, same form for links. Test-only. */
import type { ScopedVars, TypedVariableModel } from '@grafana/data';
import type { TemplateSrv } from '@grafana/runtime';
import { ALL } from '../generated/defaults';

interface Variable {
  value: string | string[];
  /** All options, where the variable is set to "All". */
  options?: string[];
  /** Text that the author gave to "All". */
  allValue?: string;
  type?: string;
  multi?: boolean;
}

type Format = string | ((value: unknown, variable: object) => string);

const SPELLINGS = /\$(\w+)|\[\[(\w+?)(?::\w+)?\]\]|\$\{(\w+)(?::(\w+))?\}/g;

export function templates(variables: Record<string, Variable> = {}): TemplateSrv {
  const isAll = ({ value }: Variable) => value === ALL || (Array.isArray(value) && value.includes(ALL));

  const replace = (text = '', scoped?: ScopedVars, asked?: Format): string =>
    text.replace(SPELLINGS, (match, plain, square, curly, curlyFormat) => {
      const name = plain ?? square ?? curly;
      const format: Format | undefined = curlyFormat ?? asked;
      const local = scoped?.[name];
      const variable: Variable | undefined = local ? { value: local.value } : variables[name];
      if (!variable) {
        return match;
      }
      if (format === 'queryparam') {
        const values = Array.isArray(variable.value) ? variable.value : [variable.value];
        return values.map((value) => `var-${name}=${encodeURIComponent(value)}`).join('&');
      }
      if (isAll(variable) && variable.allValue !== undefined) {
        return variable.allValue;
      }
      const value = isAll(variable) ? (variable.options ?? []) : variable.value;
      const { type = 'query', multi = false } = variable;
      return typeof format === 'function'
        ? format(value, { name, type, multi, includeAll: variable.options !== undefined })
        : String(value);
    });

  return {
    replace,
    getVariables: () =>
      Object.entries(variables).map(([name, { type = 'query' }]) => ({ name, type }) as TypedVariableModel),
    containsTemplate: (text = '') => new RegExp(SPELLINGS.source).test(text),
    updateTimeRange: () => undefined,
  } as TemplateSrv;
}
