# Net::XMPP (Debian: libnet-xmpp-perl), a client library of 2002, logs in by jabber:iq:auth: HOST PORT DOMAIN USER PASSWORD.
use strict;
use warnings;
use Net::XMPP;

my ($host, $port, $domain, $user, $password) = @ARGV;
my $client = Net::XMPP::Client->new();
$client->Connect(hostname => $host, port => $port, componentname => $domain, timeout => 10) or die "no stream\n";
my @result = $client->AuthIQAuth(username => $user, password => $password, resource => "perl");
print join(" ", @result), "\n";
$client->Disconnect();
