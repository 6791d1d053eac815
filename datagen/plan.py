"""The plan: every constant of the simulation, read from `plan.toml` and checked before anything is drawn."""

from dataclasses import dataclass
from pathlib import Path

Floats = tuple[float, ...]
Ints = tuple[int, ...]
Texts = tuple[str, ...]

PLAN_PATH = Path(__file__).with_name("plan.toml")


class PlanError(ValueError):
    """The plan contradicts itself; the message lists every problem."""


@dataclass(frozen=True)
class Service:
    """One region and its places; `number` stands before its ids, `code` before its facilities'."""

    region: str
    number: int
    code: str
    state: str
    postal_prefix: int
    timezone: str
    latitude: float
    longitude: float
    hospital_beds: Ints
    fixed_sites: int
    employees: int
    name_pool: int


@dataclass(frozen=True)
class Transfer:
    """A standing arrangement between two regions, in mean units a week."""

    sender: str
    receiver: str
    units_a_week: float


@dataclass(frozen=True)
class Calendar:
    """Indices by weekday (Monday first) and month, and what holidays leave."""

    donation_weekday: Floats
    platelet_weekday: Floats
    admission_weekday: Floats
    donation_month: Floats
    admission_month: Floats
    holiday_donations: float
    holiday_admissions: float


@dataclass(frozen=True)
class Donors:
    """Who the donors are and how long they stay."""

    is_active_share: float
    female_share: float
    ethnicities: Texts
    ethnicity_shares: Floats
    group_shares: tuple[Floats, ...]
    age_bounds: Ints
    age_shares: Floats
    first_time_age_shares: Floats
    age_rates: Floats
    age_churn: Floats
    tenure_years: float
    new_per_1000_a_day: float
    never_returns_shares: Floats
    lapsed_rate: float
    rate_shape: float
    deaths_a_year: float
    opt_outs_a_year: float


@dataclass(frozen=True)
class Habits:
    """What donors give, how often, and how long they must wait."""

    names: Texts
    shares: Floats
    o_double_share: float
    o_negative_double_share: float
    o_negative_rate: float
    visits_a_year: Floats
    churn: Floats
    to_platelets: float
    interval_days: Ints


@dataclass(frozen=True)
class Appeal:
    """How recruitment answers the stock."""

    target_days: Floats
    platelet_target_days: float
    power: float
    lowest: float
    highest: float
    memory_days: int


@dataclass(frozen=True)
class Collection:
    """Sessions and the outcome of visits."""

    fixed_share: float
    visits_a_mobile_event: int
    mobile_kinds: Texts
    mobile_kind_shares: Floats
    no_show_share: float
    left_share: float
    failed_share: float
    rejected_share: float
    apheresis_rejected_share: float
    reject_reasons: Texts
    reject_shares: Floats


@dataclass(frozen=True)
class Deferral:
    """Haemoglobin (g/dL; female, male) and the other reasons to send a donor away."""

    minimum: Floats
    mean: Floats
    between_donors: float
    within_donor: float
    african_american_shift: float
    low_hb_days: int
    other_share: float
    first_time_factor: float
    codes: Texts
    reasons: Texts
    shares: Floats
    days: Ints
    permanent_shares: Floats


@dataclass(frozen=True)
class Testing:
    """Markers and how often they react, per donation."""

    markers: Texts
    reactive: Floats
    first_time_factor: float
    initial_only: float
    confirmed_per_100k: Floats
    first_time_gifts_share: float
    supplemental_days: int
    culture_reactive: float
    post_donation_calls: float
    calls_lifted_share: float


@dataclass(frozen=True)
class Components:
    """What donations become."""

    plasma_share: float
    recovered_share: float
    ffp_hours: int
    red_cell_products: Texts
    red_cell_shares: Floats
    platelet_splits: Floats
    pathogen_reduced_share: float
    pool_size: int
    pools_a_1000_donors_a_day: float
    cryo_pool_size: int
    cryo_target_days: int
    plasma_target_days: int


@dataclass(frozen=True)
class Hospitals:
    """Admissions with blood ordered, by service, and what becomes of the orders."""

    admissions_per_1000_donors_a_day: float
    admission_shape: float
    ramp_days: int
    services: Texts
    shares: Floats
    length_of_stay_days: Floats
    red_cell_episodes: Floats
    platelet_episodes: Floats
    plasma_episodes: Floats
    cryo_episodes: Floats
    emergency_share: Floats
    irradiated_share: Floats
    returning_share: Floats
    mortality: Floats
    female_share: Floats
    crossmatch_extra: float
    transfused_share: float
    cancelled_share: float
    platelet_slippage: float
    wasted_per_crossmatch: float
    patient_group_shares: Floats


@dataclass(frozen=True)
class Stock:
    """Policies of the shelves."""

    red_cells_per_1000_donors_a_day: float
    platelets_per_1000_donors_a_day: float
    plasma_per_1000_donors_a_day: float
    cryo_per_1000_donors_a_day: float
    order_mix: Floats
    hospital_days: float
    remote_days: float
    hospital_safety: float
    least_expected: float
    platelet_days: float
    platelet_beds: int
    soon_days: int
    platelet_soon_days: int
    plasma_soon_days: int
    least_days: int
    fresh_days: int
    rotating_beds: int
    remote_beds: int
    return_below_days: int
    return_above_days: int
    import_below_days: float
    import_units_per_1000_donors: float


@dataclass(frozen=True)
class Plan:
    """All sections, for one region."""

    service: Service
    transfers: tuple[Transfer, ...]
    calendar: Calendar
    donors: Donors
    habits: Habits
    appeal: Appeal
    collection: Collection
    deferral: Deferral
    testing: Testing
    components: Components
    hospitals: Hospitals
    stock: Stock
