"""The correlation of a star's parameters; stars of versions that exist have none."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

COLUMNS = ("rho_teff_logg", "rho_teff_feh", "rho_logg_feh")


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column("homogenized", sa.Column(name, sa.REAL(), nullable=True))


def downgrade() -> None:
    for name in reversed(COLUMNS):
        op.drop_column("homogenized", name)
