/** The data source as Grafana's frontend sees it: every question goes to the backend; here variables are replaced and pick lists asked for. */
import type {
  AdHocVariableFilter,
  CoreApp,
  DataSourceGetTagKeysOptions,
  DataSourceGetTagValuesOptions,
  DataSourceInstanceSettings,
  LegacyMetricFindQueryOptions,
  MetricFindValue,
  ScopedVars,
} from '@grafana/data';
import { DataSourceWithBackend, getTemplateSrv, type TemplateSrv } from '@grafana/runtime';
import type { OutlaySettings } from './config/settings';
import { DEFAULT_QUERY } from './generated/defaults';
import type { Filter } from './generated/query';
import type { DimensionInfo, SourceStatus } from './generated/resources';
import { complete, isKnown, type OutlayQuery } from './query/model';
import { summary } from './query/summary';
import { shown } from './query/words';
import { fromAdHoc, replaced, replacedFilter } from './variables/replace';
import { readVariable, type SavedVariable } from './variables/model';
import { OutlayVariables } from './variables/support';

/** Most values that a variable or a pick list takes; the backend has its own limit. */
const MOST_VALUES = 10_000;

export class OutlayDataSource extends DataSourceWithBackend<OutlayQuery, OutlaySettings> {
  constructor(
    settings: DataSourceInstanceSettings<OutlaySettings>,
    private readonly templates: TemplateSrv = getTemplateSrv()
  ) {
    super(settings);
    this.variables = new OutlayVariables(this);
  }

  getDefaultQuery(_: CoreApp): Partial<OutlayQuery> {
    return { ...DEFAULT_QUERY, queryType: DEFAULT_QUERY.kind };
  }

  /** Rows that nobody has filled yet are not asked. */
  filterQuery(query: OutlayQuery): boolean {
    const { kind, queryType }: Partial<OutlayQuery> = query;
    return Boolean(kind ?? queryType);
  }

  getQueryDisplayText(query: OutlayQuery): string {
    return summary(query);
  }

  applyTemplateVariables(saved: OutlayQuery, scopedVars: ScopedVars, adHoc?: AdHocVariableFilter[]): OutlayQuery {
    const query = complete(saved);
    return isKnown(query.kind) ? replaced(this.templates, query, scopedVars, adHoc) : query;
  }

  /** Dimensions to group and filter by. */
  dimensions(): Promise<DimensionInfo[]> {
    return this.getResource('dimensions');
  }

  /** Sorted values of a dimension; the empty text stands for rows without one. */
  values(dimension: string, search = '', filters: Filter[] = [], limit = MOST_VALUES): Promise<string[]> {
    return this.getResource('values', {
      dimension,
      limit,
      ...(search && { search }),
      ...(filters.length > 0 && { filters: JSON.stringify(filters) }),
    });
  }

  /** What is loaded and running, one entry per source. */
  status(): Promise<SourceStatus[]> {
    return this.getResource('status');
  }

  /** Names of the dashboard's variables as they are written in a query. */
  variableNames(): string[] {
    return this.templates
      .getVariables()
      .filter(({ type }) => type !== 'adhoc' && type !== 'groupby')
      .map(({ name }) => `$${name}`);
  }

  /** Values of a variable: the object that our editor writes, or the text of an older dashboard. */
  async metricFindQuery(
    saved: SavedVariable,
    options?: LegacyMetricFindQueryOptions & { scopedVars?: ScopedVars }
  ): Promise<MetricFindValue[]> {
    const scopedVars = options?.scopedVars ?? {};
    const { dimension, filters = [] } = readVariable(saved);
    const name = this.templates.replace(dimension, scopedVars);
    if (name === '') {
      return [];
    }
    const asked = filters.map((filter) => replacedFilter(this.templates, filter, scopedVars));
    return (await this.values(name, '', asked)).map((value) => ({ text: shown(value), value }));
  }

  async getTagKeys(_?: DataSourceGetTagKeysOptions<OutlayQuery>): Promise<MetricFindValue[]> {
    return (await this.dimensions()).map(({ name }) => ({ text: name, value: name }));
  }

  async getTagValues({ key, filters }: DataSourceGetTagValuesOptions<OutlayQuery>): Promise<MetricFindValue[]> {
    return (await this.values(key, '', fromAdHoc(filters))).map((value) => ({ text: shown(value), value }));
  }
}
