"""What a table holds, by the names people give: whose loss it is when a stranger reads it."""

import re
from collections.abc import Iterable
from enum import StrEnum
from functools import cache, lru_cache

MOST_NAMES = 20_000


class Holds(StrEnum):
    """What a column holds."""

    SECRET = "secret"  # noqa: S105 (a kind of column)
    IDENTITY = "identity"
    CONTACT = "contact"
    HEALTH = "health"
    MONEY = "money"
    MESSAGE = "message"
    NAME = "name"


class Purpose(StrEnum):
    """What a table is for."""

    PRIVILEGE = "privilege"
    PERSONAL = "personal"
    INTAKE = "intake"
    BUSINESS = "business"
    CATALOGUE = "catalogue"
    UNKNOWN = "unknown"


# English first, then Spanish, Portuguese, French, German and Indonesian. A word stands for itself
# between underscores, with or without a plural ending.
COLUMNS: dict[Holds, str] = {
    Holds.SECRET: """
        password passwd pwd password_hash passwort senha contrasena contrasenia mot_de_passe
        kata_sandi sandi secret segredo secreto token access_token refresh_token reset_token
        session_token auth_token invite_token invitation_token api_key apikey private_key
        secret_key service_key encryption_key otp otp_code totp mfa pin pin_hash access_pin
        verification_code reset_code access_code login_code auth_code backup_code recovery_code
        confirmation_code codigo_verificacao credential credencial cvv cvc security_answer""",
    Holds.IDENTITY: """
        cpf ssn social_security social_security_number passport passaporte pasaporte national_id
        nik ktp dni nie curp rg aadhaar pan_number id_number identity_number document_number
        numero_documento tax_id nif steuernummer driver_license license_number drivers_license
        dob birth birth_date date_of_birth birthdate birthday nascimento data_nascimento
        nacimiento fecha_nacimiento naissance geburtsdatum geburtstag tanggal_lahir religion
        ethnicity nationality ip_address""",
    Holds.CONTACT: """
        email e_mail mail email_address correo courriel surel phone telephone phone_number tel
        telefone telefono telefon celular movil mobile mobile_number whatsapp handynummer no_hp
        contact_number contact_info contato contacto address home_address street_address
        billing_address shipping_address delivery_address endereco direccion domicilio adresse
        anschrift alamat street logradouro calle strasse zip zip_code postal_code postcode cep
        codigo_postal code_postal plz kode_pos pincode emergency_contact""",
    Holds.HEALTH: """
        health medical diagnosis diagnostico diagnose patient paciente symptom sintoma allergy
        allergies alergia blood_type medication medicine prescription pregnancy pregnant
        disease illness treatment_plan salud saude sante gesundheit kesehatan therapy
        disability medical_history medical_notes mental_health""",
    Holds.MONEY: """
        balance saldo guthaben solde wallet_balance iban bic bank bank_account bank_account_number
        account_number routing_number conta_bancaria agencia cuenta_bancaria rekening no_rekening
        kontonummer card_number card_last4 card_last_four cartao tarjeta salary salario
        salaire gehalt gaji wage income payout earnings pix_key chave_pix
        credit_limit debt stripe_customer_id stripe_account_id total_spent net_pay""",
    Holds.MESSAGE: """
        message message_text message_body messages mensagem mensaje nachricht pesan transcript
        private_notes conversation chat_history""",
    Holds.NAME: """
        full_name first_name last_name surname fullname nome_completo nome sobrenome apellido
        apellidos nombre nombre_completo vorname nachname prenom nama_lengkap nama customer_name
        client_name patient_name guest_name donor_name student_name child_name contact_name
        employee_name""",
}

# What looks like the words above and is something else.
INNOCENT = re.compile(
    r"""(^|_)(max|total|used|prompt|completion|input|output|num|count|min)_?tokens?(_|$)
    |tokens?_(count|used|limit|type|name|symbol|id|expir|expires|expiry|per|cost|usage|amount
        |balance|pool|price|value|reward|supply|earned|spent|remaining|allocation|budget|quota)
    |(^|(?<!access)(?<!refresh)(?<!auth)(?<!session)(?<!api)(?<!reset)_)tokens$
    |^(has|is|needs|requires|show|allow|enable|send|notify|use|can|should|auto)_
    |(^|_)(mac|wallet|contract|web|site)_address
    |(^|_)(salary|salario|wage|income|budget)_(min|max|from|to|low|high|range|type|period|currency)$
    |(^|_)(min|max|minimum|maximum)_(salary|salario|wage|income|budget)$
    |(^|_)passport_(validity|required|requirements?|rules?|power|rank)(_|$)
    |(^|_)health_(effects?|impacts?|benefits?|risks?|tips?|checks?|scores?)$
    |^(zip|postal|pin)_?codes$
    |^(error|log|status|success|welcome|response)_message$
    |^(business|company|store|support|public|office|clinic|branch|shop|site|hotel|school)_
    |(^|_)(location|venue|event|warehouse|place)_(address|phone|email|street|zip|city)""",
    re.VERBOSE,
)
# A word before one of these only says what it belongs to: `medical_center_id`, `email_sent`.
ABOUT = re.compile(
    r"_(ids?|names?|by|center|centre|enabled|verified|required|sent|opened|clicked|confirmed|at|on|count"
    r"|types?|status|templates?|subject|notifications?|notifica\w*|settings|policy|visible|changed|urls?|image"
    r"|icon|color|title|style|position|provider|campaigns?|method|preference|opt_in|consent)$"
)

TABLES: dict[Purpose, str] = {
    Purpose.PRIVILEGE: """
        role user_role permission role_permission user_permission admin admin_user staff_role
        subscription entitlement enrollment matricula inscripcion license membership
        team_member organization_member workspace_member company_user tenant_user credit
        user_credit wallet balance ledger cash_ledger account_balance user_plan purchase
        user_subscription assinatura suscripcion api_key access_grant feature_override""",
    Purpose.PERSONAL: """
        user profile account customer client cliente usuario benutzer kunde pelanggan pengguna
        utilisateur patient paciente employee empleado funcionario colaborador karyawan staff
        member miembro membro student aluno alumno estudiante siswa child children donor guest
        driver passenger applicant candidate tenant_profile order pedido bestellung pesanan
        commande payment pago pagamento zahlung pembayaran paiement invoice factura fatura
        rechnung faktur facture transaction transacao transaccion donation bill receipt sale
        venda venta refund payout payroll payslip withdrawal deposit transfer loan installment
        booking conversa conversacion
        reservation reserva appointment consulta cita termin message mensagem mensaje nachricht
        pesan chat conversation dm email_log sms_log document documento contract contrato
        medical_record health_record prescription diagnosis attendance timesheet audit_log
        notification session device address login_history verification_code otp password_reset
        lead contact deal opportunity""",
    Purpose.INTAKE: """
        contact_message contact_submission contact_form contact_request contact_us newsletter
        newsletter_subscriber newsletter_subscription subscriber email_subscriber waitlist
        waiting_list lead lead_capture leads_capture feedback inquiry enquiry quote_request
        form_submission form_response survey_response submission application_form early_access
        beta_signup email_signup signup demo_request rsvp page_view pageview visit visitor
        analytics analytics_event event_log click download_log error_log client_error
        search_log tracking_event web_vital consulta_contato mensagem_contato contato
        callback_request support_request share_event""",
    Purpose.BUSINESS: """
        store shop branch center centre medical_center clinic hospital pharmacy restaurant venue
        hotel location school office company organization organisation business supplier vendor
        partner loja tienda filial sucursal empresa unidade establishment salon dealer agency
        directory sponsor listing property imovel inmueble warehouse university site facility""",
    Purpose.CATALOGUE: """
        product produto producto produkt produk category categoria kategorie kategori categorie
        plan pricing price price_list tariff package service servico servicio post blog
        blog_post article artigo articulo artikel news noticia page faq testimonial depoimento
        review rating comment like follow follower reaction event evento menu menu_item country
        city state region currency language translation banner slide slider hero_section feature
        tag tip recipe course curso lesson module quiz question topic tutorial exercise gallery
        photo image media video portfolio project_gallery brand size color colour attribute
        collection theme template badge achievement leaderboard exchange_rate holiday
        opening_hour business_hour announcement promotion promo job_posting vacancy
        career team_page site_setting site_content website_setting landing_page social_link
        shipping_zone shipping_method room room_type amenity service_type subject podcast episode
        track song album book author movie genre game team match season public_profile glossary
        poll vote changelog version app_version resource guide skill icon map attraction
        mentor instructor speaker trainer expert requirement""",
}

PRIVILEGED_COLUMNS: dict[str, str] = {
    "control": """
        role roles user_role app_role is_admin admin is_superuser is_super_admin superuser
        is_staff is_owner permissions access_level user_type account_type is_moderator
        papel cargo_acesso rol rolle peran""",
    "tenant": """
        tenant_id organization_id organisation_id org_id company_id workspace_id team_id
        account_id empresa_id business_id agency_id clinic_id school_id""",
    "money": """
        balance saldo credits credit credit_balance wallet_balance coins tokens_balance
        available_balance points credito creditos wallet salary base_salary basic_salary
        salario gaji gaji_pokok salaire remaining_leave leave_balance leave_quota
        annual_leave_quota payout_balance pending_balance earnings total_earnings
        referral_credits bonus_balance commission_rate commission_percent commission_percentage
        total_commission_owed commission_owed""",
    "entitlement": """
        is_premium premium is_pro pro is_paid plan plan_id plan_type plan_name tier subscription
        subscription_tier subscription_plan subscription_status subscription_type
        subscription_end subscription_expires_at premium_until plano assinatura_status
        trial_ends_at trial_end max_usage usage_limit monthly_limit membership_tier
        membership_type membership_status membership_level is_subscribed premium_expires_at
        plan_expires_at""",
    "approval": """
        is_verified verified is_approved approved kyc_status kyc_verified verification_status
        approval_status is_banned banned is_blocked is_suspended id_verified identity_verified
        identity_status is_kyc_verified age_verified email_verified phone_verified
        moderation_status verificado verificada aprovado aprovada
        aprobado aprobada""",
    "standing": """
        rating avg_rating average_rating rating_avg rating_average rating_promedio
        nota_media seller_rating reputation reputation_score trust_score total_sales
        total_reviews review_count reviews_count total_ratings rating_count""",
}

STRONG = frozenset({Holds.SECRET, Holds.IDENTITY, Holds.CONTACT, Holds.HEALTH, Holds.MONEY})


@lru_cache(MOST_NAMES)
def words(name: str) -> str:
    """The name in lower case with underscores: `phoneNumber` and `Phone-Number` are one."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")


@cache
def _pattern(vocabulary: str) -> re.Pattern[str]:
    known = sorted({word.rstrip("_") for word in vocabulary.split()}, key=len, reverse=True)
    return re.compile(rf"(?:^|_)(?:{'|'.join(known)})(?:s|es)?(?=_|$)")


@lru_cache(MOST_NAMES)
def holds(column: str) -> Holds | None:
    """What a column of this name holds that somebody could mind; None for the rest."""
    name = words(column)
    if INNOCENT.search(name):
        return None
    about = ABOUT.search(name)
    for kind, vocabulary in COLUMNS.items():
        for found in _pattern(vocabulary).finditer(name):
            if about is None or found.end() == len(name):
                return kind
    return None


_CARD = re.compile(r"(^|_)card_number$")
_PAYS_BY_CARD = re.compile(
    r"cvv|cvc|expir|exp_(month|year)|holder|last_?4|last_four|bank|payment|pay_|billing|debit|credit"
)
"""Cards are collected and played with, too."""


def sensitive(columns: Iterable[str]) -> dict[str, Holds]:
    named = list(columns)
    found = {column: kind for column in named if (kind := holds(column)) is not None}
    if not any(_PAYS_BY_CARD.search(words(column)) for column in named):
        found = {name: kind for name, kind in found.items() if not _CARD.search(words(name))}
    return found


@lru_cache(MOST_NAMES)
def purpose(table: str) -> Purpose:
    """What the table is for: the last word that is known decides, the longest first, since
    English puts the noun there (`order_items` are items, `blog_categories` categories)."""
    name = _singular(words(table))
    best, kind = (0, 0), Purpose.UNKNOWN
    for candidate, vocabulary in TABLES.items():
        for word in vocabulary.split():
            end = _ends_at(name, word.rstrip("_"))
            if end and (end, len(word)) > best:
                best, kind = (end, len(word)), candidate
    return kind


@lru_cache(MOST_NAMES)
def privileged(column: str) -> str | None:
    """What a user would gain by writing this column of their own row."""
    name = words(column)
    for kind, vocabulary in PRIVILEGED_COLUMNS.items():
        if name in vocabulary.split():
            return kind
    return None


def _singular(name: str) -> str:
    parts = []
    for part in name.split("_"):
        if part.endswith("ies") and len(part) > 4:
            parts.append(f"{part[:-3]}y")
        elif part.endswith(("sses", "xes", "ches", "shes", "iones")):
            parts.append(part[:-2])
        elif part.endswith("oes") and len(part) > 5:  # transacoes, inscricoes
            parts.append(f"{part[:-3]}ao")
        elif part.endswith("s") and not part.endswith(("ss", "us", "is")) and len(part) > 3:
            parts.append(part[:-1])
        else:
            parts.append(part)
    return "_".join(parts)


def _ends_at(name: str, word: str) -> int:
    if word not in name:
        return 0
    found = list(re.finditer(rf"(?:^|_){re.escape(word)}(?=_|$)", name))
    return found[-1].end() if found else 0
