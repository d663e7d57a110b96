package impact

import "exposync/internal/dbt"

func (c *comparison) constraintChanges(_, _ *dbt.Node) {}
