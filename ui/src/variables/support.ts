/** Query variables: the values of a dimension, asked from the backend's store. */
import { CustomVariableSupport, type DataQueryRequest, type DataQueryResponse } from '@grafana/data';
import { from, map, type Observable } from 'rxjs';
import type { OutlayDataSource } from '../datasource';
import type { VariableQuery } from './model';
import { VariableEditor } from './VariableEditor';

export class OutlayVariables extends CustomVariableSupport<OutlayDataSource, VariableQuery> {
  editor = VariableEditor;

  constructor(private readonly datasource: OutlayDataSource) {
    super();
  }

  query(request: DataQueryRequest<VariableQuery>): Observable<DataQueryResponse> {
    const [saved] = request.targets;
    const { range, scopedVars } = request;
    return from(this.datasource.metricFindQuery(saved, { range, scopedVars })).pipe(map((data) => ({ data })));
  }
}
